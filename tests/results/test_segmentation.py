"""Label maps: their contract, their JSON, what supervision gets, what is drawn."""

import base64
import json

import cv2
import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.results import SegmentationMap
from edgecv.results.segmentation import png_of


def street(names=("background", "road", "car")):
    labels = np.zeros((30, 40), np.uint8)
    labels[20:] = 1
    labels[22:28, 5:15] = 2
    return SegmentationMap(labels, names, (30, 40))


def test_json_counts_classes_and_carries_the_map():
    told = street().to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    png = told.pop("png")
    assert told == {
        "task": "segment",
        "image_size": [30, 40],
        "classes": [
            {"id": 0, "name": "background", "pixels": 800, "share": 0.666667},
            {"id": 1, "name": "road", "pixels": 340, "share": 0.283333},
            {"id": 2, "name": "car", "pixels": 60, "share": 0.05},
        ],
    }
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(decoded, street().labels)
    assert len(png) < 300


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (1, 300)], ids=str)
def test_png_is_read_by_others(rng, size):
    Image = pytest.importorskip("PIL.Image")
    from io import BytesIO

    labels = rng.integers(0, 256, size, dtype=np.uint8)
    with Image.open(BytesIO(png_of(labels))) as opened:
        assert opened.mode == "L"
        assert np.array_equal(np.asarray(opened), labels)


def test_supervision_gets_a_mask_per_class():
    pytest.importorskip("supervision")
    found = street().to_supervision()
    assert found.class_id.tolist() == [0, 1, 2]
    assert found.data["class_name"].tolist() == ["background", "road", "car"]
    assert found.mask.sum(axis=(1, 2)).tolist() == [800, 340, 60]
    assert found.xyxy[2].tolist() == [5, 22, 14, 27]  # supervision's boxes end at the last pixel


def test_drawing_tints_all_but_the_background():
    image = np.full((30, 40, 3), 100, np.uint8)
    drawn = street().draw(image)
    assert (image == 100).all()
    assert (drawn[19, 39] == 100).all()
    assert drawn[29, 39].tolist() == [50, 50, 114]  # half of (0, 0, 128)
    assert drawn[0, 0].tolist() == [0, 0, 128]  # the legend: road first
    all_painted = street(names=("sky", "road", "car")).draw(image)
    assert (all_painted[18, 39] == 50).all()
    with pytest.raises(ShapeError, match="the picture they are of"):
        street().draw(image[:20])


def test_labels_must_fit_the_picture():
    with pytest.raises(ShapeError, match=r"labels must be \(30, 41\) uint8"):
        SegmentationMap(street().labels, (), (30, 41))
    with pytest.raises(ShapeError, match="labels must be"):
        SegmentationMap(street().labels.astype(np.int64), (), (30, 40))
    with pytest.raises(ShapeError, match="confidence must be"):
        SegmentationMap(street().labels, (), (30, 40), np.zeros((3, 4), np.float32))


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 6)], ids=str)
def test_pixels_are_counted(rng, size):
    labels = rng.integers(250, 256, size, dtype=np.uint8)
    pixels = SegmentationMap(labels, (), size).pixels
    assert pixels == {i: (labels == i).sum() for i in range(256) if (labels == i).any()}
    assert list(pixels) == sorted(pixels)
