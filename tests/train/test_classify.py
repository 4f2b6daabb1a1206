import numpy as np
import pytest
import torch

from edgecv.data import Sample
from edgecv.errors import FileError
from edgecv.runtime.preprocess import Preprocessor
from edgecv.train.classify import ClassifyObjective


def sample(label):
    return Sample(image=np.zeros((16, 16, 3), np.uint8), id="x", label=label)


def test_loss_by_hand_with_smoothing(recipe):
    smooth = recipe.train.model_copy(update={"label_smoothing": 0.2})
    objective = ClassifyObjective(recipe.model_copy(update={"train": smooth}))
    p = torch.tensor([[0.5, 0.25, 0.25]])
    loss = objective.loss({"logits": p.log()}, {"label": torch.tensor([0])})
    expected = -(0.8 * np.log(0.5) + 0.2 * np.mean(np.log([0.5, 0.25, 0.25])))
    assert loss["class"].item() == pytest.approx(expected)


def test_a_picture_without_a_class_is_refused(recipe):
    objective = ClassifyObjective(recipe)
    geometry = Preprocessor(recipe.input).geometry((16, 16))
    assert objective.encode(sample(3), geometry)["label"] == 3
    with pytest.raises(FileError, match="a picture without a class"):
        objective.encode(sample(None), geometry)


def test_auxiliary_heads_count_three_tenths(recipe):
    objective = ClassifyObjective(recipe)
    logits = torch.tensor([[2.0, 0.0, 1.0]])
    parts = objective.loss(
        {"logits": logits, "aux1": logits, "aux2": logits}, {"label": torch.tensor([0])}
    )
    assert set(parts) == {"class", "aux1", "aux2"}
    torch.testing.assert_close(parts["aux1"], 0.3 * parts["class"])


def test_a_blend_is_judged_against_both_classes_by_their_shares(recipe):
    objective = ClassifyObjective(recipe)
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log()
    batch = {"label": torch.tensor([0]), "mixed_label": torch.tensor([2])}
    loss = objective.loss({"logits": logits}, {**batch, "share": torch.tensor(0.75)})
    assert loss["class"].item() == pytest.approx(-0.75 * np.log(0.5) - 0.25 * np.log(0.25))
