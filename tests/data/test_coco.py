import json

import cv2
import numpy as np
import pytest

from edgecv.data import open_dataset
from edgecv.errors import FileError, RecipeError
from edgecv.recipe import Data


def content():
    return {
        "images": [
            {"id": 7, "file_name": "one.png", "width": 20, "height": 10},
            {"id": 3, "file_name": "sub/two.png", "width": 20, "height": 10},
        ],
        "categories": [{"id": 90, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 2, 3.5, 4]},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [15, 5, 50, 50], "iscrowd": 1},
            {"id": 3, "image_id": 7, "category_id": 2, "bbox": [4, 4, 0, 3]},
            {"id": 4, "image_id": 7, "category_id": 2, "bbox": [30, 1, 5, 5]},
        ],
    }


def write(root, said=None, name="val.json"):
    (root / "pictures/sub").mkdir(parents=True, exist_ok=True)
    for i, file in enumerate(("one.png", "sub/two.png")):
        cv2.imwrite(str(root / "pictures" / file), np.full((10, 20, 3), 50 * i, np.uint8))
    (root / name).write_text(json.dumps(content() if said is None else said))
    return Data(format="coco", root=root, val_annotations=name, val_images="pictures")


def test_boxes_are_xyxy_clipped_and_classes_contiguous(tmp_path):
    data = open_dataset(write(tmp_path), "val")
    assert (data.names, len(data), data.skipped) == (("cat", "dog"), 2, 2)
    sample = data[0]
    assert sample.id == "one.png"
    assert sample.boxes.tolist() == [[1, 2, 4.5, 6], [15, 5, 20, 10]]
    assert sample.ids.tolist() == [1, 0]
    assert sample.crowd.tolist() == [False, True]
    empty = data[1]
    assert (empty.id, len(empty.boxes)) == ("sub/two.png", 0)
    assert (empty.image == 50).all()


def test_without_held_out_file_pictures_are_split_by_hash(tmp_path):
    said = content()
    said["images"] = [
        {"id": i, "file_name": f"{i}.png", "width": 4, "height": 4} for i in range(40)
    ]
    said["annotations"] = []
    data = write(tmp_path, said).model_copy(
        update={
            "val_annotations": None,
            "train_annotations": "val.json",
            "train_images": "pictures",
            "val_share": 0.3,
        }
    )
    for i in range(40):
        cv2.imwrite(str(tmp_path / f"pictures/{i}.png"), np.zeros((4, 4, 3), np.uint8))
    train, val = (open_dataset(data, split) for split in ("train", "val"))
    ids = [{s.id for s in map(d.__getitem__, range(len(d)))} for d in (train, val)]
    assert not ids[0] & ids[1]
    assert len(ids[0] | ids[1]) == 40
    assert train.digest() != val.digest()
    part = data.model_copy(update={"train": 5})
    assert len(open_dataset(part, "train")) == 5


def test_masks_from_polygons_and_rle(tmp_path):
    coder = pytest.importorskip("pycocotools.mask")
    said = content()
    square = np.zeros((10, 20), np.uint8, order="F")
    square[2:6, 3:9] = 1
    packed = coder.encode(square)
    counts = [2 + 3 * 10] + [4, 6] * 5 + [4, 200 - 32 - 54]  # column by column, by hand
    outlines = [
        [[3, 2, 9, 2, 9, 6, 3, 6]],
        {"size": [10, 20], "counts": packed["counts"].decode()},
        {"size": [10, 20], "counts": counts},
    ]
    said["annotations"] = [
        {"id": i, "image_id": 7, "category_id": 2, "bbox": [3, 2, 6, 4], "segmentation": o}
        for i, o in enumerate(outlines)
    ]
    data = write(tmp_path, said).model_copy(update={"options": {"masks": True}})
    masks = open_dataset(data, "val")[0].masks
    assert masks.shape == (3, 10, 20)
    for mask in masks:
        assert (mask == square.astype(bool)).all()


def test_a_broken_mask_is_named(tmp_path):
    pytest.importorskip("pycocotools.mask")
    said = content()
    said["annotations"][0]["segmentation"] = {"size": [3, 3], "counts": [9]}
    data = write(tmp_path, said).model_copy(update={"options": {"masks": True}})
    with pytest.raises(FileError, match="segmentation cannot be decoded"):
        open_dataset(data, "val")[0]


def change(*path, value):
    """A copy of the content with one value changed; value None removes the key."""
    said = content()
    place = said
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return said


REFUSED = [
    pytest.param([], "lacks a list", id="a-list"),
    pytest.param(change("images", value=None), "lacks a list", id="no-images"),
    pytest.param(change("annotations", value=[3]), "lacks a list", id="annotation-is-number"),
    pytest.param(change("categories", value=[]), "has no categories", id="no-categories"),
    pytest.param(change("categories", 0, "id", value=2), "category id appears twice", id="cat-id"),
    pytest.param(change("categories", 0, "name", value=5), "integer id and a name", id="cat-name"),
    pytest.param(change("images", 0, "id", value=3), "image id appears twice", id="image-id"),
    pytest.param(change("images", 0, "file_name", value="sub/two.png"), "appears twice", id="file"),
    pytest.param(change("images", 0, "width", value=None), "needs height and width", id="no-width"),
    pytest.param(change("images", 0, "width", value=0), "needs height and width", id="zero-width"),
    pytest.param(
        change("images", 0, "file_name", value="../out.png"), "leaves the picture folder", id="up"
    ),
    pytest.param(
        change("images", 0, "file_name", value="/etc/x"), "leaves the picture folder", id="absolute"
    ),
    pytest.param(
        change("images", 0, "file_name", value="a\\..\\b"), "leaves the picture", id="backslash"
    ),
    pytest.param(
        change("images", 0, "file_name", value="a\0b"), "leaves the picture folder", id="nul"
    ),
    pytest.param(
        change("annotations", 0, "category_id", value=5), "unknown category_id", id="category"
    ),
    pytest.param(change("annotations", 0, "image_id", value=5), "unknown image_id", id="image"),
    pytest.param(change("annotations", 0, "image_id", value=[1]), "unknown image_id", id="list-id"),
    pytest.param(change("annotations", 0, "bbox", value=None), "four finite numbers", id="no-bbox"),
    pytest.param(
        change("annotations", 0, "bbox", value=[1, 2, 3]), "four finite numbers", id="three"
    ),
    pytest.param(
        change("annotations", 0, "bbox", value=[1, 2, 3, float("nan")]), "not valid JSON", id="nan"
    ),
    pytest.param(
        change("annotations", 0, "bbox", value=[1, 2, 3, "4"]), "finite numbers", id="text"
    ),
    pytest.param(
        change("images", 0, "file_name", value="gone.png"), "pictures that are not there", id="gone"
    ),
]


@pytest.mark.parametrize(("said", "match"), REFUSED)
def test_a_broken_file_is_refused(tmp_path, said, match):
    data = write(tmp_path, said)
    with pytest.raises(FileError, match=match):
        open_dataset(data, "val")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param('{"images": [', "not valid JSON", id="truncated"),
        pytest.param("[" * 100_000, "nested too deeply|not valid JSON", id="nested"),
    ],
)
def test_text_that_is_not_json_is_refused(tmp_path, text, match):
    data = write(tmp_path)
    (tmp_path / "val.json").write_text(text)
    with pytest.raises(FileError, match=match):
        open_dataset(data, "val")


def test_missing_files_are_named(tmp_path):
    data = write(tmp_path)
    with pytest.raises(FileError, match="not found"):
        open_dataset(data.model_copy(update={"val_annotations": "none.json"}), "val")
    with pytest.raises(FileError, match="picture folder not found"):
        open_dataset(data.model_copy(update={"val_images": "none"}), "val")
    with pytest.raises(RecipeError, match="train_annotations is missing"):
        open_dataset(data, "train")


def test_a_picture_of_another_size_is_refused(tmp_path):
    data = open_dataset(write(tmp_path), "val")
    cv2.imwrite(str(tmp_path / "pictures/one.png"), np.zeros((20, 10, 3), np.uint8))
    with pytest.raises(FileError, match="another size than its annotations"):
        data[0]
