"""Bundles for benchmarks.gpu, made where torch and onnx are, carried to where the GPU is.

    python -m benchmarks.gpu_pack [FOLDER]     default runs/gpu-pack; then FOLDER.tar.gz beside it

Each network in fp32, fp16 and int8 with its golden sample: ONNX Runtime's outputs on the typed
graph, so the GPU machine needs neither torch nor onnx nor ONNX Runtime to compare. Weights are
random, and repeat a block of 4096 values so that the pack is small: what is measured is time, and
that the engine computes what the graph says.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecv.build import build
from edgecv.bundle import open_bundle, seal
from edgecv.calibrate import calibrate
from edgecv.engines.golden import GOLDEN, Golden, read_golden, write_golden
from edgecv.export import export
from edgecv.export.images import parity_images
from edgecv.files import sha256_file, write_json
from edgecv.pipeline import RunFolder, run_folder
from edgecv.recipe import Recipe, find_recipe, load_recipe

DEFAULT = Path("runs/gpu-pack")
PRECISIONS = ("fp32", "fp16", "int8")
BLOCK = 4096  # values a weight tensor repeats
ZOO = {
    "resnet-tiny": "tiny/resnet",
    "centernet-tiny": "tiny/centernet",
    "resnet18": "classify/resnet18",
    "centernet-resnet18": "detect/centernet_resnet18",
}
YOLO_N = """
model: {file: model.onnx}
task: detect
input: {size: [640, 640]}
head: {kind: dense, score: 0.25, iou: 0.45}
"""


def pack(folder: Path) -> Path:
    """Make every bundle below `folder` and a tar.gz of them; what is there is made again."""
    for name, recipe_name in ZOO.items():
        overrides = ["export.opset=17", "export.batch=1", "export.parity_images=2"]
        recipe = load_recipe(find_recipe(Path(recipe_name)), overrides)
        recipe = recipe.model_copy(update={"data": None})
        run = RunFolder(folder, name)
        export(recipe, run, weights="random:0")
        model = onnx.load(run.model)
        repeat_weights(model)
        onnx.save(model, run.model)
        record = run.export_json
        if record.is_file():
            import json

            write_json(
                record, json.loads(record.read_text()) | {"model_digest": sha256_file(run.model)}
            )
        finish(recipe, run)
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "yolo-n-size.yaml").write_text(YOLO_N)
    recipe = load_recipe(source / "yolo-n-size.yaml")
    run = run_folder(folder, source / "yolo-n-size.yaml")
    run.path.mkdir(parents=True, exist_ok=True)
    for path in (run.model, source / "model.onnx"):
        onnx.save(yolo_n_size(), path)
    finish(recipe, run)
    return archive(folder)


def finish(recipe: Recipe, run: RunFolder) -> None:
    """Calibrate on a few pictures and build every precision for ONNX Runtime."""
    pictures = parity_images(recipe, 4).arrays
    digest = recipe.digest("calibrate")
    ranges = calibrate(run.model, (p[None] for p in pictures), "minmax", recipe_digest=digest)
    ranges.save(run.ranges)
    for precision in PRECISIONS:
        print(f"{run.run_id} {precision}", flush=True)
        slim(build(recipe, run, precision, backend="onnxruntime"))


def slim(folder: Path) -> None:
    """Drop the engine's own golden outputs: they only speak for the machine that built it."""
    bundle = open_bundle(folder)
    golden = read_golden(bundle.path(GOLDEN))
    write_golden(bundle.path(GOLDEN), Golden(golden.inputs, golden.expected))
    seal(folder, bundle.manifest)


def repeat_weights(model: Any) -> None:
    """Let each large weight tensor repeat its first values: gzip then makes it small."""
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.size > BLOCK:
            flat = np.resize(value.reshape(-1)[:BLOCK], value.size).reshape(value.shape)
            tensor.CopyFrom(numpy_helper.from_array(flat, tensor.name))


def archive(folder: Path) -> Path:
    """A tar.gz of the bundles alone, without engines' intermediate files."""
    path = folder.with_name(f"{folder.name}.tar.gz")
    with tarfile.open(path, "w:gz", compresslevel=6) as tar:
        for bundle in sorted(folder.glob("*/*-onnxruntime")):
            tar.add(bundle, arcname=bundle.relative_to(folder).as_posix())
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
    return path


def yolo_n_size() -> Any:
    """(1, 3, 640, 640) -> (1, 84, 8400): convolutions of a small one-stage detector's size.

    Not any published network: 3x3 convolutions at strides 2 to 32, a 1x1 head at 8, 16 and 32,
    some 9 GFLOP. Scores end in a sigmoid; boxes are 4 values a point.
    """
    rng = np.random.default_rng(0)
    nodes: list[Any] = []
    weights: list[Any] = []

    def conv(source: str, name: str, shape: tuple[int, ...], stride: int = 1) -> str:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        block = rng.standard_normal(min(BLOCK, int(np.prod(shape)))) * scale
        value = np.resize(block, int(np.prod(shape))).reshape(shape).astype(np.float32)
        weights.append(numpy_helper.from_array(value, f"{name}.weight"))
        edge = shape[2] // 2
        options = {"strides": [stride] * 2, "pads": [edge] * 4, "kernel_shape": [shape[2]] * 2}
        nodes.append(helper.make_node("Conv", [source, f"{name}.weight"], [name], name, **options))
        return name

    def stage(source: str, name: str, sides: tuple[int, int], depth: int) -> str:
        for index in range(depth + 1):
            into = sides[0] if index == 0 else sides[1]
            made = conv(source, f"{name}_{index}", (sides[1], into, 3, 3), 2 if index == 0 else 1)
            nodes.append(helper.make_node("Relu", [made], [f"{made}_relu"], f"{made}_relu"))
            source = f"{made}_relu"
        return source

    at, maps = "images", []
    for name, sides, depth in (
        ("s2", (3, 16), 0), ("s4", (16, 32), 2), ("s8", (32, 64), 3), ("s16", (64, 128), 3),
        ("s32", (128, 256), 2),
    ):  # fmt: skip
        at = stage(at, name, sides, depth)
        maps.append((at, sides[1]))
    flat = numpy_helper.from_array(np.array([1, 84, -1], np.int64), "flat")
    weights.append(flat)
    for index, (source, channels) in enumerate(maps[2:]):
        made = conv(source, f"head{index}", (84, channels, 1, 1))
        nodes.append(helper.make_node("Reshape", [made, "flat"], [f"p{index}"], f"reshape{index}"))
    nodes.append(helper.make_node("Concat", ["p0", "p1", "p2"], ["points"], "join", axis=2))
    weights.append(numpy_helper.from_array(np.array([4, 80], np.int64), "parts"))
    nodes.append(helper.make_node("Split", ["points", "parts"], ["box", "cls"], "split", axis=1))
    nodes.append(helper.make_node("Sigmoid", ["cls"], ["scores"], "sigmoid"))
    nodes.append(helper.make_node("Concat", ["box", "scores"], ["predictions"], "whole", axis=1))
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 640, 640])
    output = helper.make_tensor_value_info("predictions", TensorProto.FLOAT, [1, 84, 8400])
    graph = helper.make_graph(nodes, "yolo-n-size", [images], [output], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    pack(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
