"""The record says what was exported, from what, and how far it may be trusted."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgecv.export import record as module
from edgecv.export.images import Images
from edgecv.export.record import Gap, Source, record_of, sizes
from edgecv.recipe import Recipe

RECIPE = Recipe.model_validate(
    {
        "model": {"file": "m.onnx"},
        "task": "classify",
        "input": {"size": [4, 4]},
        "head": {"kind": "classify"},
        "export": {"batch": [1, 2, 4], "parity": 0.01},
    }
)
IMAGES = Images(np.zeros((5, 3, 4, 4), np.float32), "noise")


def record(*gaps):
    x = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 4, 4])
    y = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3, 1, 1])
    node = helper.make_node("GlobalAveragePool", ["images"], ["logits"])
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=opset)
    source = Source(model, lambda images: {}, "torch", {"weights_digest": "abc"})
    return record_of(RECIPE, RECIPE.export, source, IMAGES, list(gaps))


@pytest.mark.parametrize(
    ("batches", "measured"), [((1, 1, 1), [1]), ((1, 2, 4), [1, 4]), ((2, 4, 4), [2, 4])]
)
def test_parity_is_measured_at_both_ends(batches, measured):
    assert sizes(batches) == measured


def test_record_names_graph_source_and_measurement():
    found = record(Gap("logits", 0.5, 0.25))
    assert (found["opset"], found["batch"], found["weights_digest"]) == (18, [1, 2, 4], "abc")
    assert found["recipe_digest"] == RECIPE.digest("export")
    assert (found["passed"], found["model_digest"]) == (True, "")  # no model is written yet
    assert found["inputs"] == [{"name": "images", "shape": [-1, 3, 4, 4], "dtype": "float32"}]
    assert found["outputs"] == [{"name": "logits", "shape": [-1, 3, 1, 1], "dtype": "float32"}]
    assert found["parity"] == {
        "against": "torch",
        "limit": 0.01,
        "images": 5,
        "inputs": "noise",
        "batches": [1, 4],
        "outputs": [{"name": "logits", "absolute": 0.5, "relative": 0.25}],
    }


def test_what_is_not_finite_is_null_and_the_record_stays_json():
    found = record(Gap("a", math.inf, math.inf), Gap("b", 2.0, math.nan))
    assert found["parity"]["outputs"] == [
        {"name": "a", "absolute": None, "relative": None},
        {"name": "b", "absolute": 2.0, "relative": None},
    ]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_versions_name_only_what_is_installed(monkeypatch):
    monkeypatch.setattr(module, "_PACKAGES", ("numpy", "no-such-package-here"))
    assert record()["versions"] == {"numpy": np.__version__}
