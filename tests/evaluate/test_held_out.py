import numpy as np
import pytest

from edgecv.bundle import open_bundle
from edgecv.errors import FileError, UnknownName, UsageError
from edgecv.evaluate.held_out import chosen, class_map, held_out
from edgecv.recipe import Data


def test_classes_are_mapped_by_name():
    assert class_map(("b", "c"), ("a", "b", "c")).tolist() == [1, 2]
    assert class_map(("b",), ("b", "b")).tolist() == [0]  # ImageNet has two cranes
    assert class_map(("x", "y"), ()).tolist() == [0, 1]


def test_classes_are_matched_by_number_only_if_there_are_as_many():
    assert class_map(("x", "y"), (), 2).tolist() == [0, 1]
    with pytest.raises(UsageError, match=r"no names[\s\S]*model: 10\n  data: 2"):
        class_map(("x", "y"), (), 10)


def test_a_class_the_model_lacks_is_named():
    with pytest.raises(UnknownName, match="unknown class in the data 'dgo'"):
        class_map(("dgo",), ("cat", "dog"))


def test_chosen_is_spread_and_whole():
    assert chosen(10, 0).tolist() == list(range(10))
    assert chosen(10, 10).tolist() == list(range(10))
    assert chosen(10, 3).tolist() == [0, 3, 6]
    assert len(np.unique(chosen(1000, 999))) == 999
    with pytest.raises(UsageError, match="there are: 10"):
        chosen(10, 11)


def test_a_foreign_model_is_judged_on_the_whole_folder(copied, colours, squares):
    classify = open_bundle(copied("classify")).manifest
    assert len(held_out(classify, None, colours)) == 30
    detect = open_bundle(copied("centernet", "fp32-other")).manifest
    assert len(held_out(detect, None, squares)) == 10


def test_a_folder_takes_the_place_of_the_recipes(copied, colours, tmp_path):
    section = Data(format="imagefolder", root=tmp_path / "gone", val_share=0.5)
    manifest = open_bundle(copied("classify", data=section)).manifest
    assert 0 < len(held_out(manifest, None, colours)) < 30
    with pytest.raises(FileError, match="is not on this machine"):
        held_out(manifest, None, None)
