"""Mixup: blended pictures, both classes, and the same again after resuming."""

import pytest
import torch

from edgecv.errors import RecipeError
from edgecv.train import train
from edgecv.train.classify import ClassifyObjective
from edgecv.train.mixup import mix


@pytest.fixture
def batch():
    return {"image": torch.arange(4.0).reshape(4, 1, 1, 1), "label": torch.tensor([0, 1, 2, 3])}


def test_picture_and_classes_are_blended_by_the_same_share(batch):
    mixed = mix(batch, 1.0, seed=0, step=5)
    share = float(mixed["share"])
    assert 0.5 <= share <= 1
    expected = share * mixed["label"] + (1 - share) * mixed["mixed_label"]
    torch.testing.assert_close(mixed["image"].flatten(), expected)
    assert sorted(mixed["mixed_label"].tolist()) == [0, 1, 2, 3]


def test_a_step_is_always_mixed_alike_and_steps_differ(batch):
    once, again, other = (mix(batch, 1.0, 0, step) for step in (5, 5, 6))
    assert torch.equal(once["image"], again["image"])
    assert not torch.equal(once["share"], other["share"])


def test_zero_leaves_the_batch_alone(batch):
    assert mix(batch, 0.0, 0, 1) is batch


def test_loss_weighs_both_classes(recipe):
    p = torch.tensor([[0.5, 0.25, 0.25]])
    mixed = {"label": torch.tensor([0]), "mixed_label": torch.tensor([1])}
    mixed["share"] = torch.tensor(0.75)
    plain = recipe.model_copy(
        update={"train": recipe.train.model_copy(update={"label_smoothing": 0.0})}
    )
    loss = ClassifyObjective(plain).loss({"logits": p.log()}, mixed)["class"]
    expected = -(0.75 * torch.log(torch.tensor(0.5)) + 0.25 * torch.log(torch.tensor(0.25)))
    torch.testing.assert_close(loss, expected)


def test_a_detector_has_no_mixup(tmp_path):
    from edgecv.pipeline import run_folder
    from edgecv.recipe import load_recipe, shipped_recipes

    path = shipped_recipes()["tiny/centernet"]
    recipe = load_recipe(path, ["train.mixup=0.2"])
    with pytest.raises(RecipeError, match="it is for classifiers"):
        train(recipe, run_folder(tmp_path, path))
