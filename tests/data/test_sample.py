import numpy as np
import pytest

from edgecv.data.sample import Sample, tight_boxes
from edgecv.errors import ShapeError

IMAGE = np.zeros((6, 8, 3), np.uint8)
BOXES = np.array([[1, 1, 3, 3]], np.float32)
IDS = np.array([0])


def test_tight_boxes_by_hand():
    masks = np.zeros((1, 4, 5), bool)
    masks[0, 1:3, 2] = True
    assert tight_boxes(masks).tolist() == [[2, 1, 3, 3]]
    assert tight_boxes(masks[:0]).shape == (0, 4)


def test_labels_a_task_does_not_need_are_empty():
    sample = Sample(image=IMAGE, id="x", label=3)
    assert sample.boxes.shape == (0, 4)
    assert sample.ids.dtype == np.int64
    assert sample.crowd.shape == (0,)
    assert sample.masks is sample.semantic is sample.keypoints is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"image": IMAGE[..., 0]}, id="grey"),
        pytest.param({"image": IMAGE.astype(np.float32)}, id="float"),
        pytest.param({"boxes": BOXES.astype(np.float64)}, id="boxes-dtype"),
        pytest.param({"boxes": BOXES[0]}, id="boxes-rank"),
        pytest.param({"ids": np.zeros(2, np.int64)}, id="ids-count"),
        pytest.param({"crowd": np.zeros(2, bool)}, id="crowd-count"),
        pytest.param({"masks": np.zeros((1, 8, 6), bool)}, id="masks-size"),
        pytest.param({"semantic": np.zeros((6, 8))}, id="semantic-dtype"),
        pytest.param({"keypoints": np.zeros((1, 17, 2), np.float32)}, id="keypoints"),
    ],
)
def test_wrong_arrays_are_refused(changes):
    whole = {"image": IMAGE, "id": "x", "boxes": BOXES, "ids": IDS}
    with pytest.raises(ShapeError, match=f"Sample.{next(iter(changes))} has the wrong"):
        Sample(**{**whole, **changes})
