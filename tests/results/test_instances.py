"""Instances: lazy masks, their JSON, what supervision gets, what is drawn."""

import json

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.results import Instances
from edgecv.results.rle import decode

HALF = np.float32(np.arange(28) < 14) + np.zeros((28, 28), np.float32)
BOXES = np.float32([[10, 20, 50, 60], [0, 0, 8, 8]])


def instances(**changes):
    fields = {
        "boxes": BOXES,
        "scores": np.float32([0.9, 0.5]),
        "ids": np.array([1, 7]),
        "soft": (HALF, np.ones((28, 28), np.float32)),
        "regions": BOXES,
        "names": ("cat", "dog"),
        "image_size": (80, 100),
    }
    return Instances(**fields | changes)


def none():
    return instances(
        boxes=BOXES[:0], scores=np.zeros(0, np.float32), ids=np.zeros(0, int), soft=(),
        regions=BOXES[:0],
    )  # fmt: skip


def test_masks_are_pasted_when_asked_for():
    found = instances()
    masks = found.masks()
    assert masks.shape == (2, 80, 100)
    assert masks[0, 21:59, 11:30].all()
    assert masks[0].sum() == 40 * 20
    assert masks[1, :8, :8].all()
    assert masks[1].sum() == 64
    for i in (0, 1, -1):
        assert (found.mask(i) == masks[i]).all()
    assert none().masks().shape == (0, 80, 100)


def test_threshold_moves_the_edge():
    soft = (np.float32([[0.4, 0.4]]), np.ones((2, 2), np.float32))
    assert instances(soft=soft).mask(0).sum() == 0
    assert instances(soft=soft, threshold=0.3).mask(0).any()


def test_a_mask_out_of_the_picture_is_empty():
    far = np.float32([[10, 20, 50, 60], [200, 200, 300, 300]])
    found = instances(boxes=far, regions=far)
    assert not found.mask(1).any()
    assert decode(found.rle(1)).sum() == 0


def test_json_has_coco_segmentations():
    found = instances(overflow=3)
    told = found.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["task"], told["image_size"], told["overflow"]) == ("instance", [80, 100], 3)
    first, second = told["instances"]
    assert (first["name"], first["score"], first["xyxy"]) == ("dog", 0.9, [10, 20, 50, 60])
    assert (decode(first["segmentation"]) == found.mask(0)).all()
    assert (decode(second["segmentation"]) == found.mask(1)).all()
    assert none().to_dict()["instances"] == []


def test_names_and_detections():
    found = instances(overflow=2)
    assert [found.name(0), found.name(1)] == ["dog", "7"]
    plain = found.detections
    assert (len(plain), len(found), plain.overflow) == (2, 2, 2)
    assert plain.boxes is found.boxes


def test_supervision_gets_masks():
    sv = pytest.importorskip("supervision")
    given = instances().to_supervision()
    assert isinstance(given, sv.Detections)
    assert (given.mask == instances().masks()).all()
    assert len(none().to_supervision()) == 0


def test_masks_are_drawn_where_they_are():
    pytest.importorskip("supervision")
    image = np.zeros((80, 100, 3), np.uint8)
    drawn = instances().draw(image)
    assert not image.any()
    assert drawn[35:55, 15:28].any(axis=2).all()
    assert not drawn[30:55, 33:47].any()
    assert none().draw(image).shape == image.shape
    with pytest.raises(ShapeError, match="drawn on the picture"):
        instances().draw(image[:70])


def test_the_best_is_painted_over_the_others():
    pytest.importorskip("supervision")
    both = np.float32([[10, 10, 70, 70]] * 2)
    soft = (np.ones((2, 2), np.float32),) * 2
    found = instances(boxes=both, regions=both, soft=soft, ids=np.array([0, 1]))
    alone = instances(
        boxes=both[:1], regions=both[:1], soft=soft[:1], ids=np.array([0]),
        scores=np.float32([0.9]),
    )  # fmt: skip
    image = np.zeros((80, 100, 3), np.uint8)
    nearer = np.abs(found.draw(image)[40, 40].astype(int) - alone.draw(image)[40, 40])
    assert nearer.sum() < np.abs(found.draw(image)[40, 40].astype(int)).sum()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"soft": ()}, "one mask a box", id="count"),
        pytest.param({"soft": (np.ones((2, 2)),) * 2}, "soft must be", id="dtype"),
        pytest.param({"regions": BOXES[:1]}, "regions must be", id="regions"),
        pytest.param({"ids": np.zeros(2, np.int32)}, "int64", id="ids"),
        pytest.param({"boxes": BOXES.astype(float)}, "boxes must be", id="boxes"),
        pytest.param({"scores": np.zeros(3, np.float32)}, "scores must be", id="scores"),
    ],
)
def test_refuses_wrong_arrays(changes, says):
    with pytest.raises(ShapeError, match=says):
        instances(**changes)
