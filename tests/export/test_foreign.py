"""A foreign file as a source: adopted, and held to what the file itself computes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgecv.errors import FileError, RecipeError, UnsupportedModel
from edgecv.export.foreign import adopt_foreign
from edgecv.files import sha256_file
from edgecv.graph.parity import Reference
from edgecv.graph.read import opset, tensors
from edgecv.recipe import Recipe

F = TensorProto.FLOAT


def means(path, *, batch=1, channels=3, version=18):
    """The means of an image's colours."""
    x = helper.make_tensor_value_info("x", F, [batch, channels, 4, 4])
    y = helper.make_tensor_value_info("y", F, [batch, channels])
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["m"]),
        helper.make_node("Flatten", ["m"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", version)])
    onnx.save(model, path)
    return path


def recipe_of(file, *, batch=1, role="y", name=""):
    return Recipe.model_validate(
        {
            "model": {"file": file, "input": name},
            "task": "classify",
            "input": {"size": [4, 4]},
            "head": {"kind": "classify", "outputs": {"logits": role}},
            "export": {"batch": batch, "simplify": "none"},
        }
    )


def adopted(recipe, asked=None):
    return adopt_foreign(recipe, recipe.export, asked)


@pytest.mark.parametrize("fixed", [1, 2, "N"])
def test_reference_is_the_file_at_its_own_batch(tmp_path, fixed, rng):
    """Five images through a file that takes one, two or any; the adopted graph takes four."""
    source = adopted(recipe_of(means(tmp_path / "m.onnx", batch=fixed), batch=4))
    images = rng.random((5, 3, 4, 4), np.float32)
    found = source.reference(images)
    np.testing.assert_allclose(found["y"], images.mean((2, 3)), rtol=1e-5)
    assert tensors(source.model)[0][0].shape == (4, 3, 4, 4)
    np.testing.assert_allclose(
        Reference(source.model)({"x": images[:4]})["y"], found["y"][:4], rtol=1e-5
    )


def test_source_says_which_file_it_was(tmp_path):
    file = means(tmp_path / "m.onnx")
    source = adopted(recipe_of(file))
    assert source.against == "the foreign file"
    assert source.facts == {
        "weights": {"source": "foreign model"},
        "weights_digest": sha256_file(file),
        "foreign": {"file": "m.onnx", "opset": 18},
    }


@pytest.mark.parametrize(("asked", "written"), [(None, 18), (17, 17), (20, 18)])
def test_opset_is_lowered_when_asked_and_never_raised(tmp_path, asked, written):
    source = adopted(recipe_of(means(tmp_path / "m.onnx")), asked)
    assert opset(source.model) == written


def test_recipe_that_does_not_fit_the_file_is_refused(tmp_path):
    file = means(tmp_path / "m.onnx")
    with pytest.raises(RecipeError, match=r"role 'logits'[\s\S]*graph outputs: y"):
        adopted(recipe_of(file, role="prob"))
    with pytest.raises(UnsupportedModel, match=r"no input 'image'\n  inputs: x"):
        adopted(recipe_of(file, name="image"))
    gray = means(tmp_path / "g.onnx", channels=1)
    with pytest.raises(RecipeError, match=r"recipe channels: 3\n  graph channels: 1"):
        adopted(recipe_of(gray))
    with pytest.raises(FileError, match="not found"):
        adopted(recipe_of(tmp_path / "none.onnx"))


def test_file_without_an_image_input_is_refused(tmp_path):
    node = helper.make_node("Constant", [], ["y"], value_floats=[1.0])
    y = helper.make_tensor_value_info("y", F, [1])
    model = helper.make_model(helper.make_graph([node], "g", [], [y]), ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(UnsupportedModel, match=r"one input, the image\n  inputs: none"):
        adopted(recipe_of(tmp_path / "m.onnx"))
