"""Fixtures every room shares, and the rules of every test: seeded, quiet, no foot outside tmp."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from edgecv import progress
from tests.gpu_machine import machine, on_gpu, picture, plan_bundle

__all__ = ["machine", "on_gpu", "picture", "plan_bundle"]  # fixtures made elsewhere


@cache
def no_gpu() -> str:
    """Why CUDA kernels cannot run here; empty if they can."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver (libcuda.so.1) on this machine"
    count = ctypes.c_int(0)
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "the NVIDIA driver finds no GPU"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `gpu`, saying why, where no GPU is."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and (reason := no_gpu()):
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def rng() -> np.random.Generator:
    """The one source of randomness: the same numbers in every run."""
    return np.random.default_rng(20261120)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def provider(request: pytest.FixtureRequest) -> str:
    """Every twin of an op."""
    return request.param


@pytest.fixture(
    params=["forward", "reverse", "shuffled", pytest.param("gpu", marks=pytest.mark.gpu)]
)
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A CUDA session, current in this thread: emulated in three thread orders, and a real one.

    See `tests/cuda/device.py`, and `tests/cuda/capture.py` for what to assert of a plan. Fewer
    orders: `@pytest.mark.parametrize("session", ["forward"], indirect=True)`.
    """
    from tests.cuda.device import open_session

    with open_session(request.param, monkeypatch) as opened:
        yield opened


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches (backend choice, timing) go to a fresh folder, never to the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """No progress in test output; a verb that switched it is undone."""
    progress.set_quiet(True)
    yield
    progress.set_quiet(False)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`tiny_bundle(kind, backend="onnxruntime", batch=(1, 1, 1))`: a sealed bundle, made once.

    The networks can be worked by hand. `classify` (32 x 32): the three logits are 10 x the means
    of red, green and blue. `centernet` (64 x 64, stride 4, one class): the heatmap's logit is
    20 x (red - green - 0.5) of a cell's mean colour, every box is 4 x 4 cells, its centre in the
    middle of the cell; so it finds pure red squares of 16 x 16 input pixels. `dense` (64 x 64, two
    classes): one point per 8 x 8 cell, its box 24 x 24 around the cell's middle, its scores red
    less green and green less red; boxes of neighbouring cells suppress each other. `segment`
    (64 x 64, stride 4): the three logits of a cell are its mean red, green and blue.
    """
    root = tmp_path_factory.mktemp("bundles")

    def make(
        kind: str, backend: str = "onnxruntime", batch: tuple[int, int, int] = (1, 1, 1)
    ) -> Path:
        folder = root / f"{kind}-{'-'.join(map(str, batch))}" / f"fp32-{backend}"
        if not folder.exists():
            _write_bundle(folder, kind, backend, batch)
        return folder

    return make


def _write_bundle(folder: Path, kind: str, backend: str, batch: tuple[int, int, int]) -> None:
    import onnx

    from edgecv.bundle import Manifest, PrecisionRecord, seal
    from edgecv.engines import build_engine, load_engine, zeros
    from edgecv.head import CenterNetHead, ClassifyHead, DenseHead, SegmentHead
    from edgecv.recipe import Build, Input

    size = {"classify": 32, "centernet": 64, "dense": 64, "segment": 64}[kind]
    folder.mkdir(parents=True)
    onnx.save(_worked_by_hand(kind, size, batch), folder / "model.onnx")
    options = Build(precision="fp32")
    built = build_engine(backend, folder / "model.onnx", folder, options, batch)
    engine = load_engine(backend, folder / built.engine, precision="fp32")
    sample = zeros(engine.inputs, batch[0])
    sample["images"] += np.linspace(0, 1, sample["images"].size).reshape(sample["images"].shape)
    golden = {f"input.{name}": array for name, array in sample.items()}
    golden |= {f"expected.{name}": array for name, array in engine.execute(sample).items()}
    np.savez(folder / "golden.npz", **golden)
    head = {
        "classify": ClassifyHead(names=("red", "green", "blue"), topk=2),
        "centernet": CenterNetHead(names=("square",), max_detections=10),
        "dense": DenseHead(names=("red", "green"), max_detections=10),
        "segment": SegmentHead(names=("red", "green", "blue")),
    }[kind]
    manifest = Manifest(
        edgecv="0", run_id=f"tiny-{kind}", task=head.task, model_digest="0" * 64,
        input=Input(size=(size, size)), head=head, batch=batch,
        inputs=engine.inputs, outputs=engine.outputs, precision=PrecisionRecord(asked="fp32"),
        backend=backend, backend_version=built.version, engine=built.engine,
        tolerance=1e-4, created="2026-11-20T00:00:00Z", files={},
    )  # fmt: skip
    engine.close()
    seal(folder, manifest)


def _worked_by_hand(kind: str, size: int, batch: tuple[int, int, int]) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, value: Any) -> Any:
        return numpy_helper.from_array(np.asarray(value, np.float32), name)

    n = batch[0] if batch[0] == batch[2] else "N"
    if kind == "classify":
        constants = [constant("ten", 10.0)]
        nodes = [
            helper.make_node("GlobalAveragePool", ["images"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Mul", ["flat", "ten"], ["logits"]),
        ]
        outputs = {"logits": [n, 3]}
    elif kind == "dense":
        cells = size // 8
        weight = np.zeros((6, 3, 1, 1))
        weight[4, :2, 0, 0], weight[5, :2, 0, 0] = (1.0, -1.0), (-1.0, 1.0)
        middles = 8.0 * np.arange(cells) + 4
        grid = np.zeros((1, 6, cells * cells))
        grid[0, 0], grid[0, 1] = np.tile(middles, cells), np.repeat(middles, cells)
        grid[0, 2:4] = 24.0
        flat = numpy_helper.from_array(np.array([0, 6, cells * cells], np.int64), "flat")
        constants = [constant("w", weight), constant("grid", grid), flat]
        pool = {"kernel_shape": [8, 8], "strides": [8, 8]}
        nodes = [
            helper.make_node("AveragePool", ["images"], ["cells"], **pool),
            helper.make_node("Conv", ["cells", "w"], ["raw"]),
            helper.make_node("Reshape", ["raw", "flat"], ["points"]),
            helper.make_node("Add", ["points", "grid"], ["predictions"]),
        ]
        outputs = {"predictions": [n, 6, cells * cells]}
    elif kind == "segment":
        pool = {"kernel_shape": [4, 4], "strides": [4, 4]}
        constants, outputs = [], {"logits": [n, 3, size // 4, size // 4]}
        nodes = [helper.make_node("AveragePool", ["images"], ["logits"], **pool)]
    else:
        cells = size // 4
        weight = np.zeros((5, 3, 1, 1))
        weight[0, :2, 0, 0] = 20.0, -20.0
        constants = [constant("w", weight), constant("b", [-10.0, 4.0, 4.0, 0.5, 0.5])]
        pool = {"kernel_shape": [4, 4], "strides": [4, 4]}
        roles = ["heatmap", "size", "offset"]
        nodes = [
            helper.make_node("AveragePool", ["images"], ["cells"], **pool),
            helper.make_node("Conv", ["cells", "w", "b"], ["raw"]),
            helper.make_node("Split", ["raw", "parts"], roles, axis=1),
        ]
        constants.append(numpy_helper.from_array(np.array([1, 2, 2], np.int64), "parts"))
        outputs = dict(zip(roles, ([n, c, cells, cells] for c in (1, 2, 2)), strict=True))
    tensors = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in {"images": [n, 3, size, size], **outputs}.items()
    }
    images = tensors.pop("images")
    graph = helper.make_graph(nodes, kind, [images], list(tensors.values()), constants)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


CLASSIFY = """
model: {file: model.onnx}
task: classify
input: {size: [16, 16], mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5], resize: stretch}
data: {format: digits, train: 8, val: 12}
head: {kind: classify, topk: 3}
export: {opset: 17}
"""
DETECT = """
model: {file: model.onnx}
task: detect
input: {size: [64, 64], mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5]}
data: {format: scenes, train: 4, val: 6}
head: {kind: centernet, stride: 4, score: 0.1, max_detections: 20}
export: {opset: 17}
"""


class Run(NamedTuple):
    """A run folder with bundles: fp32-onnxruntime, fp32-openvino, int8-openvino."""

    recipe: Path
    runs: Path
    folder: Path

    def bundle(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A built classifier of seeded weights; read it, copy it, never change it."""
    outputs = {"logits": [("GlobalAveragePool", 10)]}
    return _built_run(tmp_path_factory.mktemp("classifier"), "digits", CLASSIFY, outputs)


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A built CenterNet of seeded weights; read it, copy it, never change it."""
    outputs = {"heatmap": [("", 10)], "size": [("", 2)], "offset": [("", 2)]}
    return _built_run(tmp_path_factory.mktemp("detector"), "scenes", DETECT, outputs)


def _built_run(
    folder: Path, name: str, recipe_text: str, outputs: dict[str, list[tuple[str, int]]]
) -> Run:
    onnx = pytest.importorskip("onnx", reason="bundles are built from ONNX: edgecv[export]")
    pytest.importorskip("openvino", reason="bundles run on OpenVINO: edgecv[cpu]")
    pytest.importorskip("sklearn", reason="the built-in data is scikit-learn's: edgecv[train]")
    from edgecv.build import build
    from edgecv.pipeline import run_folder
    from edgecv.recipe import load_recipe

    recipe_file = folder / "recipes" / f"{name}.yaml"
    recipe_file.parent.mkdir()
    recipe_file.write_text(recipe_text)
    recipe = load_recipe(recipe_file)
    run = run_folder(folder / "runs", recipe_file)
    run.path.mkdir(parents=True)
    model = _network(onnx, recipe.input.size, outputs)
    onnx.save(model, run.model)
    onnx.save(model, recipe_file.with_name("model.onnx"))
    _ranges(model, run, recipe.digest("calibrate"))
    for precision, backend in (
        ("fp32", "onnxruntime"),
        ("fp32", "openvino"),
        ("int8", "openvino"),
    ):
        build(recipe, run, precision, backend=backend)
    return Run(recipe_file, folder / "runs", run.path)


def _network(onnx: Any, size: tuple[int, int], outputs: dict[str, list[tuple[str, int]]]) -> Any:
    """Two strided convolutions, then a 1x1 one for each output (and what reduces it)."""
    rng, helper = np.random.default_rng(0), onnx.helper
    nodes, constants = [], []

    def conv(source: str, target: str, shape: tuple[int, ...], **attributes: Any) -> None:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        weights = (rng.standard_normal(shape) * scale).astype(np.float32)
        weights = abs(weights) if target == "size" else weights  # boxes have an area
        constants.append(onnx.numpy_helper.from_array(weights, f"{target}.weight"))
        inputs = [source, f"{target}.weight"]
        nodes.append(helper.make_node("Conv", inputs, [target], f"{target}_conv", **attributes))

    for index, (source, into) in enumerate((("images", 3), ("r0", 16))):
        conv(source, f"c{index}", (16, into, 3, 3), strides=[2, 2], pads=[1] * 4)
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"], f"relu{index}"))
    values, sides = [], [size[0] // 4, size[1] // 4]
    for name, ((reduce, channels),) in outputs.items():
        conv("r1", f"{name}_map" if reduce else name, (channels, 16, 1, 1))
        if reduce:
            nodes.append(helper.make_node(reduce, [f"{name}_map"], [f"{name}_mean"], "mean"))
            nodes.append(helper.make_node("Flatten", [f"{name}_mean"], [name], "flat"))
        shape = [1, channels] if reduce else [1, channels, *sides]
        values.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    image = helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, [1, 3, *size])
    graph = helper.make_graph(nodes, "tiny", [image], values, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _ranges(model: Any, run: Any, recipe_digest: str) -> None:
    from edgecv.files import sha256_file
    from edgecv.ranges import Range, Ranges

    names = {"images", *(name for node in model.graph.node for name in node.output)}
    Ranges(
        method="minmax",
        images=1,
        model_digest=sha256_file(run.model),
        data_digest="0" * 64,
        recipe_digest=recipe_digest,
        tensors={name: Range(amax=4.0, low=-4.0, high=4.0) for name in sorted(names)},
    ).save(run.ranges)
