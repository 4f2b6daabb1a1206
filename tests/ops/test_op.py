"""Providers are found by name, and what is missing is named."""

import sys

import pytest

from edgecv.errors import MachineError, MissingPackage
from edgecv.ops._op import Op
from edgecv.ops.topk.cpu import topk


def test_a_provider_is_the_function_of_its_module():
    assert Op("topk", 0.0, 0.0).on("cpu") is topk


def test_an_unknown_provider_is_told_with_the_known():
    with pytest.raises(MachineError, match=r"topk has no provider 'abacus'\n  known: cpu"):
        Op("topk", 0.0, 0.0).on("abacus")


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "edgecv.ops.letterbox.cpu", raising=False)
    Op.on.cache_clear()
    with pytest.raises(MissingPackage, match=r"(?s)opencv-python-headless.*edgecv\[cpu\]"):
        Op("letterbox", 0.0, 0.0).on("cpu")


def test_the_same_function_is_handed_out_each_time():
    op = Op("topk", 0.0, 0.0)
    assert op.on("cpu") is op.on("cpu") is Op("topk", 0.0, 0.0).on("cpu")


def test_only_the_provider_asked_for_is_imported(monkeypatch):
    """What the kernels need (PyCUDA) is no business of the CPU."""
    monkeypatch.setitem(sys.modules, "edgecv.ops.topk.cuda", None)
    Op.on.cache_clear()
    assert Op("topk", 0.0, 0.0, ("cpu", "cuda")).on("cpu") is topk
    with pytest.raises(MissingPackage, match=r"edgecv\[cuda\]"):
        Op("topk", 0.0, 0.0, ("cpu", "cuda")).on("cuda")
