"""`import edgecv` gives `load` and the version, and nothing before it is asked for."""

import pytest

import edgecv
from edgecv import runtime


def test_load_is_the_runtimes():
    assert edgecv.load is runtime.load
    assert sorted(edgecv.__all__) == ["__version__", "load"]


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'edgecv' has no attribute 'laod'"):
        _ = edgecv.laod
