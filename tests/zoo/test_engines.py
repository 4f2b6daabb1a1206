"""Every slim architecture becomes an engine of every backend in three precisions.

What the CPU engines compute is held to torch. The full-size variants go the same way by
`make full-check` (docs/support.md).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

pytest.importorskip("openvino")
pytest.importorskip("tensorrt_rtx")

from edgecv.build.precision import type_model
from edgecv.calibrate import calibrate
from edgecv.engines import build_engine, load_engine
from edgecv.export.trace import Trace, trace
from edgecv.graph.adopt import infer, name_nodes
from edgecv.graph.read import save_graph
from edgecv.graph.simplify import simplify
from edgecv.recipe import Build
from edgecv.zoo.registry import create, variants
from tests.zoo.named_weights import named_weights

NAMES = sorted(n for n, info in variants().items() if "tiny" in n and info.task == "classify")
# Length of the difference from torch, relative to the length of its logits.
LIMIT = {"fp32": 1e-4, "fp16": 2e-2, "int8": 0.3}
CPU = ("onnxruntime", "openvino")


@pytest.mark.parametrize("name", NAMES)
def test_slim_network_builds_everywhere_and_computes_alike(name, tmp_path):
    network = create(name, classes=10).eval()
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    network.load_state_dict(named_weights(shapes))
    pictures = torch.from_numpy(
        np.random.default_rng(3).standard_normal((5, 3, 32, 32), dtype=np.float32)
    )
    with torch.no_grad():
        want = network(pictures[:1])["logits"].numpy()
    assert len(np.unique(want)) > 5  # not a constant (SqueezeNet ends in a ReLU)
    model = trace(network, Trace({"logits": "logits"}, (3, 32, 32), (1, 1, 1), 20))
    model = infer(simplify(model, "onnxslim").model)
    name_nodes(model)
    file = save_graph(model, tmp_path / "model.onnx")
    ranges = calibrate(file, [picture[None].numpy() for picture in pictures], "minmax")
    with ThreadPoolExecutor(1) as pool:  # TensorRT-RTX builds in a child process meanwhile
        jobs = {}
        for precision, limit in LIMIT.items():
            typed = type_model(model, precision, ranges=ranges if precision == "int8" else None)
            save_graph(typed.model, tmp_path / f"{precision}.onnx")
            jobs[precision] = pool.submit(_build, "tensorrt-rtx", precision, tmp_path)
            for backend in CPU:
                found = _run(backend, precision, tmp_path, {"images": pictures[:1].numpy()})
                gap = np.linalg.norm(found - want) / np.linalg.norm(want)
                print(f"{precision} {backend}: {gap:.1e} from torch")
                assert gap <= limit, f"{precision} {backend}"
        built = {precision: job.result() for precision, job in jobs.items()}
    assert all(result.targets == ("sm86",) for result in built.values())
    convolutions = [node.name for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    assert sorted(typed.quantized) == sorted(convolutions)
    int8 = sum(layer.precision == "int8" for layer in built["int8"].layers)
    # TensorRT-RTX fuses a 1x1 convolution of fewer than 8 channels (a slim gate) into what follows
    asked = len(convolutions) - sum(
        isinstance(m, torch.nn.Conv2d) and m.kernel_size == (1, 1) and m.in_channels < 8
        for m in network.modules()
    )
    assert int8 >= asked, f"RTX runs {int8} layers in int8, {asked} asked"


def _build(backend, precision, folder):
    place = folder / f"{precision}-{backend}"
    place.mkdir()
    options = Build(precision=precision, targets=("sm86",))
    return build_engine(backend, folder / f"{precision}.onnx", place, options)


def _run(backend, precision, folder, feeds):
    built = _build(backend, precision, folder)
    file = folder / f"{precision}-{backend}" / built.engine
    engine = load_engine(backend, file, precision=precision)
    found = engine.execute(feeds)["logits"]
    engine.close()
    return found
