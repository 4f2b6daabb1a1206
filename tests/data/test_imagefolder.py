import cv2
import numpy as np
import pytest

from edgecv.data import open_dataset
from edgecv.data.imagefolder import ImageFolder
from edgecv.errors import FileError, RecipeError
from edgecv.recipe import Data


def fill(root, layout):
    """{folder: number of pictures}; picture i of a class is grey level i."""
    for folder, count in layout.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            cv2.imwrite(str(root / folder / f"{i:03d}.png"), np.full((6, 8, 3), i, np.uint8))
    return root


def section(root, **changes):
    return Data(format="imagefolder", root=root, **changes)


def test_folders_are_classes_and_train_val_are_splits(tmp_path):
    fill(tmp_path, {"train/cat": 3, "train/ant": 2, "val/cat": 1})
    train, val = (open_dataset(section(tmp_path), s) for s in ("train", "val"))
    assert train.names == val.names == ("ant", "cat")
    assert [(s.id, s.label) for s in map(train.__getitem__, range(5))] == [
        ("ant/000.png", 0),
        ("ant/001.png", 0),
        ("cat/000.png", 1),
        ("cat/001.png", 1),
        ("cat/002.png", 1),
    ]
    assert [val[0].id, val[0].label] == ["cat/000.png", 1]
    assert train[4].image.shape == (6, 8, 3)
    assert (train[4].image == 2).all()


def test_without_splits_pictures_are_held_out_by_hash(tmp_path):
    fill(tmp_path, {"a": 40, "b": 40})
    data = section(tmp_path, val_share=0.25)
    ids = {
        s: {x.id for x in map(d.__getitem__, range(len(d)))}
        for s, d in ((s, open_dataset(data, s)) for s in ("train", "val"))
    }
    assert not ids["train"] & ids["val"]
    assert len(ids["train"] | ids["val"]) == 80
    fill(tmp_path, {"a": 41})  # one more picture moves none of the others
    again = {x.id for x in map(open_dataset(data, "val").__getitem__, range(len(ids["val"])))}
    assert ids["val"] - again <= {"a/040.png"}


def test_train_without_val_is_not_two_classes(tmp_path):
    fill(tmp_path, {"train/ant": 2, "train/cat": 2, "test/ant": 1})
    with pytest.raises(
        FileError, match=r"but no val/[\s\S]*found: test, train[\s\S]*name the held-"
    ):
        open_dataset(section(tmp_path), "train")


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path, {"train": 20, "bus": 20})
    assert open_dataset(section(tmp_path, val_share=0.5), "val").names == ("bus", "train")


def test_whole_takes_every_picture(tmp_path):
    fill(tmp_path, {"a": 5, "b": 5})
    assert len(ImageFolder(tmp_path, "val", section(tmp_path), whole=True)) == 10


def test_a_part_is_mixed_and_counted(tmp_path):
    fill(tmp_path, {"train/a": 30, "train/b": 30, "val/a": 1})
    part = open_dataset(section(tmp_path, train=20), "train")
    assert len(part) == 20
    assert {part[i].label for i in range(20)} == {0, 1}
    with pytest.raises(RecipeError, match="more pictures than there are"):
        open_dataset(section(tmp_path, val=2), "val")


def test_digest_follows_the_files(tmp_path):
    fill(tmp_path, {"train/a": 3, "val/a": 1})
    before = open_dataset(section(tmp_path), "train").digest()
    assert before == open_dataset(section(tmp_path), "train").digest()
    (tmp_path / "train/a/000.png").unlink()
    assert open_dataset(section(tmp_path), "train").digest() != before


def test_other_files_and_hidden_folders_are_skipped(tmp_path):
    fill(tmp_path, {"train/a": 1, "val/a": 1, "train/.cache": 1})
    (tmp_path / "train/a/readme.txt").write_text("no picture")
    (tmp_path / "train/a/._000.png").write_text("what macOS leaves")
    data = open_dataset(section(tmp_path), "train")
    assert (len(data), data.names) == (1, ("a",))


def _nothing(root):
    root.rmdir()


def _empty_class(root):
    fill(root, {"train/a": 1, "train/b": 0, "val/a": 1})


def _unknown_class(root):
    fill(root, {"train/a": 1, "val/z": 1})


def _empty_split(root):
    fill(root, {"train/a": 1})
    (root / "val/a").mkdir(parents=True)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        pytest.param(_nothing, "data folder not found", id="missing"),
        pytest.param(lambda root: None, "no class folders", id="empty"),
        pytest.param(_empty_class, "class folder has no pictures", id="empty-class"),
        pytest.param(_unknown_class, "class that the training data lacks", id="unknown-class"),
        pytest.param(_empty_split, "no pictures for split val", id="empty-split"),
    ],
)
def test_a_broken_folder_is_refused(tmp_path, make, match):
    make(tmp_path)
    with pytest.raises(FileError, match=match):
        [open_dataset(section(tmp_path), split) for split in ("train", "val")]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\nbroken", "not an image|cannot be decoded", id="cut"),
        pytest.param(b"\xff\xd8\xff\xe0 cut", "truncated|cannot be decoded", id="jpeg"),
    ],
)
def test_a_broken_picture_is_named(tmp_path, content, match):
    fill(tmp_path, {"train/a": 1, "val/a": 1})
    (tmp_path / "train/a/000.png").write_bytes(content)
    with pytest.raises(FileError, match=match) as caught:
        open_dataset(section(tmp_path), "train")[0]
    assert "000.png" in str(caught.value)


def test_options_and_a_missing_root_are_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"data\.root is missing"):
        open_dataset(Data(format="imagefolder"), "val")
    with pytest.raises(RecipeError, match="imagefolder has none"):
        open_dataset(section(tmp_path, options={"size": 3}), "val")


def test_a_suffix_may_be_written_large_and_what_is_none_is_left(tmp_path):
    fill(tmp_path, {"train/a": 1, "val/a": 1})
    (tmp_path / "train/a/000.png").rename(tmp_path / "train/a/0.PNG")
    (tmp_path / "train/a/notes.txt").write_text("no picture")
    (tmp_path / "train/a/.hidden.png").write_bytes(b"")
    train = open_dataset(section(tmp_path), "train")
    assert [train[i].id for i in range(len(train))] == ["a/0.PNG"]
