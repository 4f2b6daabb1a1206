"""CIFAR's binary version, on files made here."""

import numpy as np
import pytest

from edgecv.data import open_dataset
from edgecv.errors import FileError, RecipeError
from edgecv.recipe import Data


def records(labels, start):
    """Records whose picture is one colour: red = start + i, green 1, blue 2."""
    planes = np.zeros((len(labels), 3, 1024), np.uint8)
    planes[:, 0] = (start + np.arange(len(labels)))[:, None]
    planes[:, 1:] = np.array([1, 2], np.uint8)[:, None]
    return np.concatenate([np.array(labels, np.uint8), planes.reshape(len(labels), -1)], 1)


@pytest.fixture
def ten(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for i in range(1, 6):
        records([[i % 3], [0]], 10 * i).tofile(folder / f"data_batch_{i}.bin")
    records([[2], [1], [0]], 100).tofile(folder / "test_batch.bin")
    (folder / "batches.meta.txt").write_text("airplane\nautomobile\nbird\n\n")
    return tmp_path


def opened(root, split, **changes):
    return open_dataset(Data(format="cifar", root=root, **changes), split)


def test_splits_classes_and_colours_are_the_sets_own(ten):
    train, val = opened(ten, "train"), opened(ten / "cifar-10-batches-bin", "val")
    assert train.names == val.names == ("airplane", "automobile", "bird")
    assert [train[i].label for i in range(len(train))] == [1, 0, 2, 0, 0, 0, 1, 0, 2, 0]
    assert [val[i].label for i in range(len(val))] == [2, 1, 0]
    assert val[1].image.shape == (32, 32, 3)
    assert val[1].image[0, 0].tolist() == [2, 1, 101]  # BGR


def test_a_hundred_classes_are_the_fine_ones(tmp_path):
    records([[1, 3], [0, 2]], 0).tofile(tmp_path / "train.bin")
    records([[0, 1]], 0).tofile(tmp_path / "test.bin")
    (tmp_path / "fine_label_names.txt").write_text("a\nb\nc\nd\n")
    assert [opened(tmp_path, "train")[i].label for i in (0, 1)] == [3, 2]


def test_a_part_can_be_taken_and_changes_the_digest(ten):
    some = opened(ten, "train", train=4)
    assert len(some) == 4
    assert some.digest() != opened(ten, "train").digest()
    assert some.digest() == opened(ten, "train", train=4).digest()
    with pytest.raises(RecipeError, match="more pictures than there are"):
        opened(ten, "val", val=4)


def test_a_cut_file_is_refused(ten):
    path = ten / "cifar-10-batches-bin" / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileError, match=r"whole records[\s\S]*data_batch_3"):
        opened(ten, "train")


def test_a_class_without_a_name_is_refused(ten):
    (ten / "cifar-10-batches-bin" / "batches.meta.txt").write_text("airplane\n")
    with pytest.raises(FileError, match="a class without a name"):
        opened(ten, "val")


def test_pickles_are_refused_with_where_to_go(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80")
    with pytest.raises(FileError, match=r"a pickle[\s\S]*cifar-10-binary"):
        opened(tmp_path, "train")


def test_a_set_that_is_there_in_part_names_what_is_missing(ten):
    (ten / "cifar-10-batches-bin" / "data_batch_3.bin").unlink()
    with pytest.raises(
        FileError, match=r"some of[\s\S]*10-batches-bin\n  missing: data_batch_3.bin$"
    ):
        opened(ten, "train")


def test_a_missing_folder_is_not_called_empty(tmp_path):
    with pytest.raises(FileError, match=r"data folder not found[\s\S]*--set data\.root"):
        opened(tmp_path / "none", "train")


def test_no_files_says_what_is_needed(tmp_path):
    with pytest.raises(FileError, match=r"no CIFAR files[\s\S]*test_batch.bin"):
        opened(tmp_path, "train")
