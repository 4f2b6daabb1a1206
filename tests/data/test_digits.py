import numpy as np
import pytest

from edgecv.data import handwriting, open_dataset
from edgecv.errors import RecipeError
from edgecv.recipe import Data

DATA = Data(format="digits", train=5000, val=4000)


def test_held_out_digits_are_never_trained_on():
    train, val = handwriting.split("train"), handwriting.split("val")
    assert not set(train.tolist()) & set(val.tolist())
    assert len(train) + len(val) == 1797
    classes = handwriting.digits()[1]
    assert np.bincount(classes[val]).min() >= 30
    for split, allowed in (("train", train), ("val", val)):
        data = open_dataset(DATA, split)
        drawn = {data.source(i) for i in range(3000)}
        assert drawn <= set(allowed.tolist())
        assert len(drawn) > 0.7 * len(allowed)


def test_samples_are_deterministic_and_labelled():
    data, again = open_dataset(DATA, "val"), open_dataset(DATA, "val")
    classes = handwriting.digits()[1]
    for index in (3999, 0, 17):
        first, second = data[index], again[index]
        assert np.array_equal(first.image, second.image)
        assert first.label == classes[data.source(index)] == second.label
        assert first.image.shape == (32, 32, 3)
        assert first.image.dtype == np.uint8
    assert len(data) == 4000
    assert data.names == tuple("0123456789")


def test_every_class_comes_and_contrast_goes_both_ways():
    data = open_dataset(DATA, "val")
    samples = [data[i] for i in range(300)]
    assert {s.label for s in samples} == set(range(10))
    border_lighter = [s.image[[0, -1]].mean() > s.image[8:24, 8:24].mean() for s in samples]
    assert 0.25 < np.mean(border_lighter) < 0.75


def test_size_is_an_option_and_the_digest_follows():
    small = open_dataset(DATA, "train")
    large = open_dataset(DATA.model_copy(update={"options": {"size": 64}}), "train")
    assert large[0].image.shape == (64, 64, 3)
    assert small.digest() != large.digest()
    assert small.digest() == open_dataset(DATA, "train").digest()


def test_unknown_option_names_the_nearest():
    with pytest.raises(RecipeError, match="nearest: rotation"):
        open_dataset(DATA.model_copy(update={"options": {"rotatoin": 3}}), "train")
