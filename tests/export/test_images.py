"""Parity is measured on real pictures where there are any, and the record says on which."""

from __future__ import annotations

import numpy as np
import pytest

from edgecv.data import open_dataset, photographs
from edgecv.errors import FileError, MissingPackage
from edgecv.export.images import parity_images
from edgecv.recipe import Recipe
from edgecv.runtime.preprocess import Preprocessor


def recipe_of(data=None, **given):
    shape = {"size": [16, 24], **given}
    head = {"task": "classify", "head": {"kind": "classify"}}
    return Recipe.model_validate(
        {"model": {"file": "m.onnx"}, "input": shape, "data": data, **head}
    )


def test_held_out_pictures_go_through_the_deployed_preprocessor():
    recipe = recipe_of({"format": "digits", "train": 8, "val": 3})
    found = parity_images(recipe, 2)
    held_out = open_dataset(recipe.data, "val")
    expected, _ = Preprocessor(recipe.input).batch([held_out[i].image for i in range(2)])
    np.testing.assert_array_equal(found.arrays, expected)
    assert found.origin == "held-out pictures of digits"
    assert len(parity_images(recipe, 9).arrays) == 3  # fewer than asked for: all of them


@pytest.mark.parametrize("there", [False, True], ids=["no-data", "data-is-elsewhere"])
def test_photographs_stand_in_where_the_data_is_not(tmp_path, there):
    data = {"format": "imagefolder", "root": tmp_path / "none"} if there else None
    found = parity_images(recipe_of(data), 2)
    assert found.origin == "photographs of scikit-image"
    assert found.arrays.shape == (2, 3, 16, 24)
    assert found.arrays.std() > 0.05


def test_seeded_noise_stands_in_for_photographs(monkeypatch):
    def missing(name):
        raise MissingPackage("scikit-image", "train", needed_for="photographs")

    monkeypatch.setattr(photographs, "photograph", missing)
    found = parity_images(recipe_of(), 3)
    assert found.origin == "seeded noise (seed 0)"
    np.testing.assert_array_equal(found.arrays, parity_images(recipe_of(), 3).arrays)
    gray = parity_images(recipe_of(color="gray", mean=[0], std=[255]), 3)
    assert gray.arrays.shape == (3, 1, 16, 24)


def test_data_that_is_here_and_broken_is_told_not_replaced(tmp_path):
    with pytest.raises(FileError, match=r"(?i)no .*image|folder"):
        parity_images(recipe_of({"format": "imagefolder", "root": tmp_path}), 2)
