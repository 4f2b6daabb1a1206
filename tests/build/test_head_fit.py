"""A head that cannot be the graph's is refused in words, and not remembered."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from edgecv.build.head_fit import CLASSES, HeadMisfit, require_head
from edgecv.cli.app import app
from edgecv.head import HEADS
from edgecv.recipe import Recipe

LEVEL = {"stride": 16, "boxes": [[8, 8], [8, 16]]}
GRAPHS = {
    "classify": {"logits": (1, 4)},
    "centernet": {"heatmap": (1, 4, 8, 8), "size": (1, 2, 8, 8), "offset": (1, 2, 8, 8)},
    "dense": {"predictions": (1, 8, 20)},
    "anchors": {"scores": (1, 8, 4), "deltas": (1, 8, 4)},
    "yolo_v1": {"grid": (1, 7 * 7 * 14)},
    "yolo_v3": {"scale1": (1, 27, 1, 1), "scale2": (1, 27, 2, 2), "scale3": (1, 27, 4, 4)},
    "segment": {"logits": (1, 4, 8, 8)},
    "yolact": {
        "scores": (1, 12, 5),
        "boxes": (1, 12, 4),
        "coefficients": (1, 12, 3),
        "prototypes": (1, 3, 8, 8),
    },
    "heatmap": {"heatmap": (1, 17, 8, 8)},
    "integral": {"heatmap": (1, 17, 8, 8)},
    "paf": {"heatmaps": (1, 19, 4, 4), "pafs": (1, 38, 4, 4)},
}
KEYS = {
    "anchors": {"levels": [LEVEL], "size": [32, 32]},
    "yolo_v1": {"size": [32, 32]},
    "yolact": {"strides": [16], "anchors": [24]},
}


def fit(kind, shapes=None, **keys):
    recipe = Recipe.model_validate(
        {
            "model": {"file": "m.onnx"},
            "task": HEADS[kind].task,
            "input": {"size": [32, 32]},
            "head": {"kind": kind, **KEYS.get(kind, {}), **keys},
        }
    )
    shapes = {**GRAPHS[kind], **(shapes or {})}
    require_head(recipe, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()})


@pytest.mark.parametrize("kind", GRAPHS)
def test_the_heads_own_graph_fits(kind):
    fit(kind)


@pytest.mark.parametrize("kind", CLASSES)
def test_names_are_as_many_as_classes(kind):
    fit(kind, names=list("abcd"))
    for names in ("abc", "abcde"):
        with pytest.raises(HeadMisfit, match=rf"names: {len(names)}\n  graph classes: 4"):
            fit(kind, names=list(names))


WRONG = [
    pytest.param("yolo_v3", {"strides": [8, 16, 32]}, None, "another stride", id="strides-turned"),
    pytest.param("heatmap", {"stride": 8}, None, "stride pixels: 8", id="stride"),
    pytest.param("heatmap", {}, {"heatmap": (1, 17, 7, 8)}, "another stride", id="a-row-too-few"),
    pytest.param("heatmap", {"skeleton": "coco18"}, None, "head heatmap: one map", id="joints"),
    pytest.param("paf", {"skeleton": "coco17"}, None, "head paf: one map", id="too-many-maps"),
    pytest.param("yolo_v1", {"size": [10, 10]}, None, "head.size", id="size"),
    pytest.param("anchors", {"size": [10**9] * 2}, None, "head.size", id="absurd-size"),
    pytest.param(
        "anchors", {"levels": [{**LEVEL, "stride": 1e-6}]}, None, "a row per anchor", id="petabytes"
    ),
    pytest.param("segment", {"outputs": {"logits": "y"}}, None, "no output 'y'", id="name"),
    pytest.param("segment", {}, {"logits": (1, 4)}, "must be", id="rank"),
]


@pytest.mark.parametrize(("kind", "keys", "shapes", "text"), WRONG)
def test_what_does_not_fit_is_said(kind, keys, shapes, text):
    with pytest.raises(HeadMisfit, match=text):
        fit(kind, shapes, **keys)


@pytest.fixture
def segmenter(tmp_path):
    """An ONNX file of four maps of scores."""
    values = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["images", "w"], ["logits"])],
        "maps",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 16, 16))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, 4, 16, 16))],
        [numpy_helper.from_array(values, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path = tmp_path / "maps.onnx"
    onnx.save(model, path)
    return path


def test_a_mistake_is_not_remembered(segmenter, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def build(*options):
        command = ["build", segmenter, "--task", "segment", "-p", "fp32", *options]
        command += ["--backend", "onnxruntime"]
        return CliRunner().invoke(app, list(map(str, command)))

    done = build("--set", "head.form=labels")
    assert (done.exit_code, (tmp_path / "runs/maps").exists()) == (2, False), done.output
    assert build("--set", "head.align_corners=true").exit_code == 0
    recipe = tmp_path / "runs/maps/recipe.yaml"
    before = recipe.read_text()
    done = build("--set", "head.names=[a, b]")
    assert (done.exit_code, recipe.read_text()) == (2, before), done.output
    assert build().exit_code == 0
