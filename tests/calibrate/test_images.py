import cv2
import numpy as np
import pytest

from edgecv.calibrate.images import Pictures, batches, folder_pictures, spread, training_pictures
from edgecv.errors import FileError, RecipeError
from edgecv.head import ClassifyHead
from edgecv.recipe import Arch, Data, Input, Recipe

SPEC = Input(size=(4, 4), color="bgr", std=(1, 1, 1), resize="stretch")


def test_spread_takes_each_part_of_the_set():
    assert spread(10, 3) == [1, 5, 8]
    assert spread(4, 9) == [0, 1, 2, 3]
    assert spread(1000, 1) == [500]


def test_batches_are_preprocessed_pictures_in_order():
    pictures = Pictures(5, lambda index: np.full((4, 4, 3), index, np.uint8))
    found = [part.copy() for part in batches(pictures, SPEC, 5, 2)]
    assert [part.shape for part in found] == [(2, 3, 4, 4), (2, 3, 4, 4), (1, 3, 4, 4)]
    assert np.concatenate(found)[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_folder_is_read_in_the_order_of_paths(tmp_path):
    (tmp_path / "b").mkdir()
    for name, grey in (("b/1.png", 3), ("a.png", 1), ("a.txt", 0)):
        cv2.imwrite(str(tmp_path / "x.png"), np.full((4, 4, 3), grey, np.uint8))
        (tmp_path / "x.png").rename(tmp_path / name)
    pictures = folder_pictures(tmp_path)
    assert [int(pictures.read(i)[0, 0, 0]) for i in range(pictures.count)] == [1, 3]


def test_refuses_a_folder_without_pictures(tmp_path):
    with pytest.raises(FileError, match="holds no picture"):
        folder_pictures(tmp_path)
    with pytest.raises(FileError, match="not found"):
        folder_pictures(tmp_path / "none")


def recipe(data: Data | None) -> Recipe:
    arch, head = Arch(name="resnet18"), ClassifyHead()
    return Recipe(arch=arch, task="classify", input=SPEC, head=head, data=data)


def test_training_split_only():
    """The built-in digits keep their held-out pictures apart; none of them is drawn."""
    from edgecv.data import open_dataset

    data = Data(format="digits", train=6, val=6)
    pictures = training_pictures(recipe(data))
    train, val = open_dataset(data, "train"), open_dataset(data, "val")
    for index in range(pictures.count):
        assert (pictures.read(index) == train[index].image).all()
    assert not any(
        np.array_equal(pictures.read(i), val[j].image) for i in range(6) for j in range(6)
    )


def test_refuses_a_recipe_without_data():
    with pytest.raises(RecipeError, match="names no data"):
        training_pictures(recipe(None))
