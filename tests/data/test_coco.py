import json

import cv2
import numpy as np
import pytest

from edgecv.data import open_dataset
from edgecv.errors import FileError, RecipeError
from edgecv.recipe import Data
from tests.data.test_coco_file import content


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


def test_missing_files_are_named(tmp_path):
    said = content()
    said["images"][0]["file_name"] = "gone.png"
    with pytest.raises(FileError, match=r"first missing: gone\.png"):
        open_dataset(write(tmp_path, said), "val")
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
