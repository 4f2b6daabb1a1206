"""Coverage is proved, not hoped for: what the engines themselves say they run in int8."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest

from edgecv.build.precision import Typed, type_model
from edgecv.bundle import Layer
from edgecv.calibrate import calibrate
from edgecv.engines import build_engine, load_engine
from edgecv.export import export
from edgecv.graph.placement import HEAVY
from edgecv.graph.read import load_graph
from edgecv.graph.topology import Topology
from edgecv.pipeline import RunFolder
from edgecv.recipe import Build, find_recipe, load_recipe

# Nodes that need not run in int8, by operator: the whole written list, with its reason.
FLOAT_BY_RULE = {"ConvTranspose": "TensorRT-RTX runs it in float whatever is asked"}
MULTIPLIES = ("correlation", "gemm", "deconv")  # kernel types of TensorRT-RTX

NETS = [  # recipe, input size, least signal to quantisation noise of any output in dB
    pytest.param(("classify/resnet18", 64, 25.0), id="resnet18"),
    pytest.param(("detect/centernet_resnet18", 64, 15.0), id="centernet_resnet18"),
    pytest.param(("tiny/centernet", 64, 15.0), id="centernet_tiny"),
]


class Net(NamedTuple):
    """A zoo network with random weights, its int8 form, and images it was calibrated on."""

    model: onnx.ModelProto
    typed: Typed
    file: Path
    images: np.ndarray
    least_db: float


@pytest.fixture(scope="module", params=NETS)
def net(request, tmp_path_factory) -> Net:
    name, size, least_db = request.param
    run = RunFolder(tmp_path_factory.mktemp("coverage"), "net")
    changes = [f"input.size=[{size}, {size}]", "export.batch=1", "export.parity_images=1"]
    recipe = load_recipe(find_recipe(Path(name)), changes)
    recipe = recipe.model_copy(update={"data": None})
    export(recipe, run, weights="random:0")
    images = np.random.default_rng(0).normal(size=(4, 3, size, size)).astype(np.float32)
    ranges = calibrate(run.model, np.split(images, 4), "minmax")
    model = load_graph(run.model)
    typed = type_model(model, "int8", ranges=ranges)
    file = run.path / "int8.onnx"
    onnx.save(typed.model, file)
    return Net(model, typed, file, images, least_db)


def heavy_nodes(model: onnx.ModelProto) -> dict[str, str]:
    """Name -> operator of everything that multiplies in the fp32 graph."""
    topology = Topology(model)
    pairs = zip(topology.names, model.graph.node, strict=True)
    return {name: node.op_type for name, node in pairs if node.op_type in HEAVY}


def multiplied_in(layers: tuple[Layer, ...], nodes: dict[str, str]) -> dict[str, str]:
    """ONNX node -> precision of the kernel that multiplies for it."""
    found: dict[str, str] = {}
    for layer in layers:
        names = [name for name in layer.name.split(",") if name in nodes]
        if layer.type in MULTIPLIES:
            assert len(names) == 1, layer
            assert names[0] not in found, layer
            found[names[0]] = layer.precision
    return found


@pytest.mark.parametrize("target", Build().targets)
def test_every_conv_and_gemm_runs_int8_in_tensorrt_rtx(net, tmp_path, target):
    pytest.importorskip("tensorrt_rtx")
    built = build_engine("tensorrt-rtx", net.file, tmp_path, Build(targets=(target,)))
    nodes = heavy_nodes(net.model)
    found = multiplied_in(built.layers, nodes)
    assert set(found) == set(nodes), "every node is a kernel the log shows"
    excused = {name for name, op in nodes.items() if op in FLOAT_BY_RULE}
    assert {found[name] for name in set(nodes) - excused} == {"int8"}
    assert set(net.typed.kept) == excused
    assert set(net.typed.quantized) == set(nodes) - excused


def test_openvino_runs_it_in_int8(net):
    engine = load_engine("openvino", net.file, precision="int8")
    layers = [layer for layer in engine.layers() if layer.type in ("Convolution", "FullyConnected")]
    engine.close()
    assert len(layers) >= len(net.typed.quantized)
    in_float = [layer for layer in layers if layer.precision not in ("int8", "uint8", "i8", "u8")]
    assert not in_float


def test_outputs_stay_close_to_fp32(net, run):
    for reference, output in zip(
        run(net.model, net.images[:1]), run(net.typed.model, net.images[:1]), strict=True
    ):
        noise = np.mean((reference - output) ** 2)
        assert 10 * np.log10(np.mean(reference**2) / noise) >= net.least_db
