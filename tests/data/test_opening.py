import pytest

from edgecv.data import open_dataset
from edgecv.errors import RecipeError
from edgecv.recipe import Data


@pytest.mark.parametrize(
    ("form", "side"),
    [pytest.param("scenes", 128, id="scenes"), pytest.param("digits", 32, id="digits")],
)
def test_built_in_sets_open_by_name(form, side):
    data = Data(format=form, train=3, val=2)
    assert [len(open_dataset(data, split)) for split in ("train", "val")] == [3, 2]
    sample = open_dataset(data, "val")[1]
    assert sample.image.shape == (side, side, 3)
    assert sample.id == "val-000001"


def test_count_must_be_given():
    with pytest.raises(RecipeError, match=r"data\.val must say how many"):
        open_dataset(Data(format="scenes"), "val")
