"""A network of the zoo as a source: its outputs by role, torch as the reference."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgecv.errors import RecipeError, ShapeError
from edgecv.export import network
from edgecv.export.network import export_network
from edgecv.graph.read import tensors
from edgecv.recipe import Recipe

torch = pytest.importorskip("torch", reason="networks are torch's: edgecv[train]")


class Means(torch.nn.Module):
    """The means of an image's colours; notes the batch sizes it saw."""

    def __init__(self, role):
        super().__init__()
        self.role, self.seen = role, []

    def forward(self, x):
        self.seen.append(len(x))
        return {self.role: x.mean((2, 3)), "extra": x}


def recipe_of(**changes):
    return Recipe.model_validate(
        {
            "arch": {"name": "means"},
            "task": "classify",
            "input": {"size": [4, 4]},
            "head": {"kind": "classify", "outputs": {"logits": "prob"}},
            "export": {"simplify": "none"},
            **changes,
        }
    )


@pytest.fixture
def means(monkeypatch):
    """The network instead of the zoo's; its graph, written by hand, instead of torch's."""
    asked = []

    def trace(_, what):
        asked.append(what)
        x = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, *what.shape])
        y = helper.make_tensor_value_info("prob", TensorProto.FLOAT, [1, what.shape[0]])
        nodes = [
            helper.make_node("GlobalAveragePool", ["images"], ["m"]),
            helper.make_node("Flatten", ["m"], ["prob"]),
        ]
        graph = helper.make_graph(nodes, "g", [x], [y])
        opset = [helper.make_opsetid("", what.opset)]
        return helper.make_model(graph, ir_version=8, opset_imports=opset)

    def make(role="logits"):
        made = Means(role).eval()
        facts = {"weights": {"source": "run"}, "weights_digest": "abc"}
        monkeypatch.setattr(network, "load", lambda *_: (made, dict(facts)))
        monkeypatch.setattr(network, "trace", trace)
        return made, asked

    return make


def test_graph_has_the_heads_names_and_torch_is_its_reference(means, run, rng):
    made, asked = means()
    recipe = recipe_of()
    source = export_network(recipe, recipe.export, run, None)
    assert asked == [({"logits": "prob"}, (3, 4, 4), (1, 1, 1), 20)]
    assert [item.name for item in tensors(source.model)[1]] == ["prob"]
    assert len({node.name for node in source.model.graph.node} - {""}) == 2
    assert source.against == "torch"
    assert source.facts["weights_digest"] == "abc"
    assert source.facts["simplify"] == {"asked": "none", "used": "none", "reason": ""}
    made.seen.clear()
    images = rng.random((11, 3, 4, 4), np.float32)
    found = source.reference(images)
    assert list(found) == ["prob"]  # only what the head reads, by its name in the graph
    np.testing.assert_allclose(found["prob"], images.mean((2, 3)), rtol=1e-5)
    assert made.seen == [8, 8]  # a large set of images never fills the memory


def test_role_the_network_lacks_is_told_before_the_export(means, run):
    _, asked = means(role="scores")
    recipe = recipe_of()
    with pytest.raises(RecipeError, match=r"no output 'logits' that head classify needs\n  outp"):
        export_network(recipe, recipe.export, run, None)
    assert not asked


def test_class_names_must_fit_the_network(means, run):
    means()
    recipe = recipe_of(head={"kind": "classify", "outputs": {"logits": "prob"}, "names": ["a"]})
    with pytest.raises(RecipeError, match=r"names: 1\n  graph classes: 3"):
        export_network(recipe, recipe.export, run, None)


def test_a_size_the_network_does_not_take_is_told_before_the_export(run):
    recipe = recipe_of(
        arch={"name": "alexnet_tiny", "args": {"classes": 3}}, input={"size": [9, 40]}
    )
    with pytest.raises(ShapeError, match=r"smallest side: 15\n  fix: --set input.size=\[15,40\]"):
        export_network(recipe, recipe.export, run, "random:0")


def test_recipe_of_a_foreign_file_is_refused(run):
    recipe = recipe_of().model_copy(update={"arch": None})
    with pytest.raises(RecipeError, match="names no architecture"):
        export_network(recipe, recipe.export, run, None)
