"""Dense predictions by hand; NMS itself is tested in tests/ops."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import DenseHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry

PLAIN = [Geometry((64, 64), Fit(0, 0, 64, 64))]
ROWS = [  # cx, cy, w, h, two scores
    [10, 10, 8, 8, 0.6, 0.1],
    [10, 11, 8, 8, 0.9, 0.1],  # overlaps the first, same class, better
    [10, 11, 8, 8, 0.2, 0.7],  # overlaps too, another class
    [40, 40, 4, 4, 0.1, 0.2],  # below the score
]
TABLE = np.float32(ROWS).T[None]
WANTED = [[6, 7, 14, 15], [6, 7, 14, 15]]


def test_by_hand():
    (result,) = decode(DenseHead(), {"predictions": TABLE}, PLAIN)
    assert result.boxes.tolist() == WANTED
    assert result.ids.tolist() == [0, 1]
    assert result.scores.tolist() == pytest.approx([0.9, 0.7])


def test_channels_last_xyxy_logits():
    rows = np.float32(ROWS)
    rows[:, :4] = np.concatenate(
        [rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], 1
    )
    rows[:, 4:] = np.log(rows[:, 4:] / (1 - rows[:, 4:]))
    head = DenseHead(layout="channels_last", boxes="xyxy", activation="sigmoid")
    (result,) = decode(head, {"predictions": rows[None]}, PLAIN)
    assert result.boxes.tolist() == WANTED
    assert result.scores.tolist() == pytest.approx([0.9, 0.7])


def test_nothing_above_the_score():
    (result,) = decode(DenseHead(score=0.95), {"predictions": TABLE}, PLAIN)
    assert len(result) == 0
    assert result.boxes.shape == (0, 4)


def test_overflow_keeps_the_best(rng):
    table = rng.uniform(0, 1, (1, 5, 4096 + 100)).astype(np.float32)
    table[0, 4] = rng.permutation(table.shape[2]) / table.shape[2]
    (result,) = decode(DenseHead(score=0, iou=1, max_detections=10), {"predictions": table}, PLAIN)
    assert result.overflow == 100
    assert result.scores[0] == table[0, 4].max()


def test_max_detections():
    table = np.zeros((1, 5, 50), np.float32)
    table[0, 0], table[0, 2:4], table[0, 4] = np.arange(50), 0.5, 0.9
    (result,) = decode(DenseHead(max_detections=7), {"predictions": table}, PLAIN)
    assert result.boxes[:, 0].tolist() == [0, 0.75, 1.75, 2.75, 3.75, 4.75, 5.75]


def test_refuses_a_table_without_classes():
    with pytest.raises(ShapeError, match=r"at least one class"):
        decode(DenseHead(), {"predictions": np.zeros((1, 4, 9), np.float32)}, PLAIN)


def test_objectness_and_class_agnostic():
    rows = np.insert(np.float32(ROWS), 4, 0.5, axis=1)
    head = DenseHead(layout="channels_last", objectness=True, class_agnostic=True, score=0.3)
    (result,) = decode(head, {"predictions": rows[None]}, PLAIN)
    assert result.boxes.tolist() == WANTED[:1]
    assert result.scores.tolist() == pytest.approx([0.45])


def test_single_label():
    rows = [[10, 10, 8, 8, 0.6, 0.7], [40, 40, 8, 8, 0.5, 0.1]]
    head = DenseHead(multi_label=False)
    (result,) = decode(head, {"predictions": np.float32(rows).T[None]}, PLAIN)
    assert result.ids.tolist() == [1, 0]


def test_nan_is_reported_and_never_a_box():
    table = TABLE.copy()
    table[0, 4, 0] = np.nan
    (result,) = decode(DenseHead(), {"predictions": table}, PLAIN)
    assert (result.nan, result.to_dict()["nan"], len(result)) == (1, 1, 2)
    (result,) = decode(DenseHead(), {"predictions": TABLE}, PLAIN)
    assert (result.nan, "nan" in result.to_dict()) == (0, False)
