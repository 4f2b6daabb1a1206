"""R-CNN by hand: one strong anchor a level, parts that are plain functions."""

import numpy as np
import pytest

from edgecv.errors import FileError, ShapeError
from edgecv.head import TwoStageHead
from edgecv.ops.letterbox import Fit
from edgecv.results import Detections
from edgecv.runtime.heads import decode
from edgecv.runtime.parts import Part
from edgecv.runtime.preprocess import Geometry
from tests.runtime.fake_engine import FakeEngine

SIZE = 128
PLAIN = Geometry((SIZE, SIZE), Fit(0, 0, SIZE, SIZE), (SIZE, SIZE))
RULE = {"names": ("cat", "dog"), "proposals": 4, "proposals_before": 3, "round_anchors": False}


def outputs(batch=1):
    """A 32 pixel square at (48, 48)..(80, 80), from P2, is the only proposal above 0.5."""
    found = {}
    for i, stride in zip(range(2, 7), (4, 8, 16, 32, 64), strict=True):
        n = SIZE // stride
        found[f"objectness{i}"] = np.full((batch, 3, n, n), -8, np.float32)
        found[f"deltas{i}"] = np.zeros((batch, 12, n, n), np.float32)
        if i < 6:
            ramp = np.arange(n, dtype=np.float32) + 0.5
            found[f"features{i}"] = np.tile(ramp * stride, (batch, 2, n, 1))  # x in input pixels
    found["objectness2"][:, 1, 16, 16] = 8
    return found


def box_part(seen, logits=(0.0, 0, 6), deltas=(0, 0, 0, 0)):
    """Says the same of every proposal; background, cat, dog."""

    def answer(rows):
        seen.append(rows)
        return {
            "logits": np.tile(np.float32(logits), (len(rows), 1)),
            "deltas": np.tile(np.float32(deltas), (len(rows), 3)),
        }

    return Part("box", FakeEngine(answer, (-1, 2, 7, 7)), (1, 8, 8))


def test_the_box_part_sees_pooled_features_and_decides():
    seen = []
    head = TwoStageHead(**RULE, max_detections=1)
    (found,) = decode(head, outputs(), [PLAIN], {"box": box_part(seen)})
    assert isinstance(found, Detections)
    assert found.boxes.tolist() == [[48, 48, 80, 80]]
    assert found.ids.tolist() == [1]  # the background is not counted
    np.testing.assert_allclose(found.scores, np.exp(6) / (np.exp(6) + 2), rtol=1e-5)
    (rows,) = seen
    assert rows.shape == (4, 2, 7, 7)
    half = 2  # of a cell: not aligned, pixel 48 is index 12, whose centre lies at pixel 50
    centres = 48 + 32 * (np.arange(7) + 0.5) / 7 + half
    np.testing.assert_allclose(rows[0, 0, 3], centres, atol=1e-3)


def test_deltas_move_the_proposal():
    moves = (10 * 0.25, 0, 5 * np.log(0.5), 0)
    head = TwoStageHead(**RULE, max_detections=1)
    (found,) = decode(head, outputs(), [PLAIN], {"box": box_part([], deltas=moves)})
    np.testing.assert_allclose(found.boxes, [[64, 48, 80, 80]], atol=1e-4)


def test_only_what_a_capacity_dropped_is_overflow():
    (found,) = decode(
        TwoStageHead(**RULE, max_detections=1), outputs(), [PLAIN], {"box": box_part([])}
    )
    assert found.overflow == 0  # what suppression drops is not
    few = TwoStageHead(**RULE, pre_nms=1, score=0)
    (found,) = decode(few, outputs(), [PLAIN], {"box": box_part([])})
    assert found.overflow == 7  # of 4 proposals x 2 classes


def test_without_parts_there_are_proposals():
    (found,) = decode(TwoStageHead(**RULE), outputs(), [PLAIN])
    assert found.boxes[0].tolist() == [48, 48, 80, 80]
    assert set(found.ids.tolist()) == {0}
    assert len(found) == 4


def test_every_image_of_a_batch_and_a_letterboxed_picture():
    maps = outputs(2)
    maps["objectness2"][1] = -8
    maps["objectness2"][1, 1, 8, 16] = 8  # a square at (48, 16)..(80, 48)
    wide = Geometry((192, 384), Fit(32, 0, 64, 128), (SIZE, SIZE))  # a third of its size
    head = TwoStageHead(**RULE, max_detections=1)
    first, second = decode(head, maps, [PLAIN, wide], {"box": box_part([])})
    assert first.boxes.tolist() == [[48, 48, 80, 80]]
    assert second.boxes.tolist() == [[144, 0, 240, 48]]  # cut where the picture ends


def test_an_output_of_another_name_is_said():
    part = Part("box", FakeEngine(lambda rows: {"a": rows, "b": rows}, (-1, 2, 7, 7)), (1, 8, 8))
    with pytest.raises(FileError, match="part box of the bundle has no output 'logits'"):
        decode(TwoStageHead(**RULE), outputs(), [PLAIN], {"box": part})


def test_levels_of_different_channels_are_refused():
    maps = outputs()
    maps["features3"] = maps["features3"][:, :1]
    with pytest.raises(ShapeError, match="same channels at every level"):
        decode(TwoStageHead(**RULE), maps, [PLAIN])
