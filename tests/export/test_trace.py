"""torch's exporter writes what was asked for, and nothing about this machine."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from edgecv.errors import MissingPackage, UnsupportedModel
from edgecv.export.trace import Trace, trace
from edgecv.graph.parity import Reference
from edgecv.graph.read import opset, tensors

torch = pytest.importorskip("torch", reason="networks are torch's: edgecv[train]")


class Two(torch.nn.Module):
    """Two outputs in the order that the roles do not have."""

    def forward(self, x):
        return {"size": x * 2, "heatmap": x.mean((2, 3))}


def asked(*, batches=(1, 1, 1), version=18, **names):
    return Trace(names or {"heatmap": "hm", "size": "wh"}, (3, 2, 2), batches, version)


@pytest.fixture(scope="module")
def free():
    """The network at any batch, lowered to opset 17."""
    return trace(Two().eval(), asked(batches=(1, 2, 4), version=17))


def test_outputs_have_the_names_and_order_of_the_roles(free, rng):
    inputs, outputs = tensors(free)
    assert [(item.name, item.shape) for item in inputs] == [("images", (-1, 3, 2, 2))]
    assert free.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [item.name for item in outputs] == ["hm", "wh"]
    images = rng.random((3, 3, 2, 2), np.float32)
    found = Reference(free)({"images": images})
    np.testing.assert_array_equal(found["wh"], images * 2)
    np.testing.assert_allclose(found["hm"], images.mean((2, 3)), rtol=1e-6)


def test_graph_is_in_the_opset_asked_for_and_names_no_machine(free):
    assert opset(free) == 17
    content = free.SerializeToString()
    for part in (__file__.encode(), b".py", b"stack_trace", b"site-packages", b"pytorch"):
        assert part not in content
    assert (free.producer_name, free.graph.name) == ("edgecv", "network")


class Branching(torch.nn.Module):
    def forward(self, x):
        return {"logits": x.mean((2, 3)) if bool(x.sum() > 0) else x.amax((2, 3))}


def test_network_that_torch_cannot_export_is_told_in_one_line(capfd):
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with pytest.raises(UnsupportedModel, match=r"^torch cannot export the network\n  reason: .+\n"):
        trace(Branching().eval(), asked(logits="logits"))
    assert logger.level == level
    assert capfd.readouterr().out == ""


def test_missing_onnxscript_is_told_by_its_extra(monkeypatch):
    def export(*args, **options):
        raise ModuleNotFoundError("No module named 'onnxscript'")

    monkeypatch.setattr(torch.onnx, "export", export)
    with pytest.raises(MissingPackage, match=r"needs the package onnxscript[\s\S]*edgecv\[export"):
        trace(Two().eval(), asked())


@pytest.mark.parametrize("written", [None, 19], ids=["nothing", "another-opset"])
def test_what_torch_did_not_do_is_told(monkeypatch, free, written):
    class Program:
        model_proto = type(free).FromString(free.SerializeToString())

    Program.model_proto.opset_import[0].version = written or 0
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: Program if written else None)
    text = r"another opset[\s\S]*asked: 18\n  got: 19" if written else "exported no graph"
    with pytest.raises(UnsupportedModel, match=text):
        trace(Two().eval(), asked())
