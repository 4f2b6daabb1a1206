"""The engines' builder is asked; what it says is an answer, its absence too."""

import pytest

from edgecv.check import builders
from edgecv.check.builders import Flavour, attempt, flavours
from edgecv.check.search import Attempt
from edgecv.errors import MachineError, UnsupportedModel

RTX = Flavour("tensorrt-rtx", "1")

SAID = [
    pytest.param(
        UnsupportedModel("cannot parse", node="n3", operator="TopK", reason="too many"),
        Attempt(False, "n3", "too many"),
        id="parser",
    ),
    pytest.param(
        UnsupportedModel("cannot build", log="x has no runners"),
        Attempt(False, "", "x has no runners"),
        id="builder",
    ),
    pytest.param(UnsupportedModel("it died"), Attempt(False, "", "it died"), id="crash"),
]


@pytest.mark.parametrize(("error", "answer"), SAID)
def test_refusal_is_an_answer(onnx_model, monkeypatch, error, answer):
    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr(builders, "build_engine", refuse)
    assert attempt(onnx_model("fine"), RTX, ("sm86",)) == answer


def test_builder_that_does_not_start_is_no_answer(onnx_model, monkeypatch):
    def refuse(*arguments, **options):
        raise MachineError("needs a GPU")

    monkeypatch.setattr(builders, "build_engine", refuse)
    with pytest.raises(MachineError, match="needs a GPU"):
        attempt(onnx_model("fine"), RTX, ("sm86",))


def test_flavour_says_its_version():
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed: edgecv[rtx]")
    rtx = next(flavour for flavour in flavours() if flavour.name == "tensorrt-rtx")
    assert rtx.version[0].isdigit()
