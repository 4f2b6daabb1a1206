"""Every shipped recipe is one a user can start from."""

from pathlib import Path

import pytest
import torch

from edgecv.recipe import load_recipe, shipped_recipes
from edgecv.zoo.registry import create

RECIPES = shipped_recipes()


def test_the_shipped_recipes_are_found():
    assert {"tiny/centernet", "tiny/resnet"} <= set(RECIPES)
    assert {"detect/centernet_resnet18", "classify/resnet18"} <= set(RECIPES)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipe_fits_its_network(name):
    recipe = load_recipe(Path(RECIPES[name]))
    assert recipe.arch is not None
    with torch.device("meta"):
        net = create(recipe.arch.name, **recipe.arch.args).eval()
        outputs = net(torch.empty(2, recipe.input.channels, *recipe.input.size))
    assert set(outputs) == set(recipe.head.roles)
    scores = outputs["logits" if recipe.task == "classify" else "heatmap"]
    assert len(recipe.head.names) in (0, scores.shape[1])


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipe_trains_and_names_no_path_of_a_machine(name):
    text = Path(RECIPES[name]).read_text()
    assert load_recipe(Path(RECIPES[name])).train is not None
    assert "/home" not in text
    assert "/work" not in text
