"""What the tests of several ops share."""

from __future__ import annotations

import pytest

from edgecv.ops._jit import DISABLE


@pytest.fixture(params=["numba", "numpy"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms of a CPU twin in turn: compiled loops, and the numpy form beside them."""
    if request.param == "numpy":
        monkeypatch.setenv(DISABLE, "1")
    else:
        pytest.importorskip("numba")
    return str(request.param)
