"""A tiny Mask R-CNN in three ONNX files: pyramid and RPN, box part, mask part."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 64
CHANNELS = 4


def _model(nodes, inputs, outputs, weights):
    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "tiny",
        [value(*each) for each in inputs],
        [value(*each) for each in outputs],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def first_stage():
    """images (1, 3, 64, 64) -> objectness2..6, deltas2..6, features2..5."""
    rng = np.random.default_rng(5)
    nodes, outputs, weights = [], [], []
    for i in range(2, 7):
        stride = 2**i
        pool = {"kernel_shape": [stride] * 2, "strides": [stride] * 2}
        nodes.append(helper.make_node("AveragePool", ["images"], [f"p{i}"], f"pool{i}", **pool))
        for role, count, scale in (
            ("features", CHANNELS, 1),
            ("objectness", 3, 3),
            ("deltas", 12, 0.2),
        ):
            if i == 6 and role == "features":
                continue
            weights.append((f"w_{role}{i}", rng.standard_normal((count, 3, 1, 1)) * scale))
            inputs = [f"p{i}", f"w_{role}{i}"]
            nodes.append(helper.make_node("Conv", inputs, [f"{role}{i}"], f"{role}_conv{i}"))
            outputs.append((f"{role}{i}", [1, count, SIZE // stride, SIZE // stride]))
    return _model(nodes, [("images", [1, 3, SIZE, SIZE])], outputs, weights)


def box_part(batch="K"):
    """(K, 4, 7, 7) -> logits (K, 3), deltas (K, 12)."""
    rng = np.random.default_rng(6)
    weights = [
        ("wl", rng.standard_normal((3, CHANNELS * 49)) * 0.3),
        ("wd", rng.standard_normal((12, CHANNELS * 49)) * 0.05),
    ]
    nodes = [
        helper.make_node("Flatten", ["rows"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "wl"], ["logits"], "scores", transB=1),
        helper.make_node("Gemm", ["flat", "wd"], ["deltas"], "moves", transB=1),
    ]
    outputs = [("logits", [batch, 3]), ("deltas", [batch, 12])]
    return _model(nodes, [("rows", [batch, CHANNELS, 7, 7])], outputs, weights)


def mask_part(batch="K"):
    """(K, 4, 14, 14) -> masks (K, 3, 28, 28)."""
    weights = [("wt", np.random.default_rng(7).standard_normal((CHANNELS, 3, 2, 2)))]
    wide = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [helper.make_node("ConvTranspose", ["rows", "wt"], ["masks"], "up", **wide)]
    inputs = [("rows", [batch, CHANNELS, 14, 14])]
    return _model(nodes, inputs, [("masks", [batch, 3, 28, 28])], weights)


def save(model, path):
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def make_bundle(root, **head):
    """The whole as a bundle of ONNX engines, below the empty folder `root`."""
    from edgecv.build import build
    from edgecv.build.parts import add_part
    from edgecv.files import sha256_file, write_json
    from edgecv.pipeline import RunFolder
    from edgecv.recipe import Recipe

    recipe = Recipe.model_validate(
        {
            "model": {"file": "first.onnx"},
            "task": "instance",
            "input": {"size": [SIZE, SIZE], "mean": [127.5] * 3, "std": [63] * 3},
            "head": {"kind": "two_stage_masks", "names": ["cat", "dog"], **head},
            "export": {"opset": 17},
        }
    )
    run = RunFolder(root / "runs", "rcnn")
    run.path.mkdir(parents=True)
    save(first_stage(), run.model)
    record = {"model_digest": sha256_file(run.model), "recipe_digest": recipe.digest("export")}
    write_json(run.export_json, record)
    folder = build(recipe, run, "fp32", backend="onnxruntime")
    add_part(folder, "box", save(box_part(), root / "box.onnx"))
    return add_part(folder, "mask", save(mask_part(), root / "mask.onnx"))
