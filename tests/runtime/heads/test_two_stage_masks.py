"""Mask R-CNN by hand, with parts that are plain functions."""

import numpy as np

from edgecv.head import TwoStageMasksHead
from edgecv.results import Detections, Instances
from edgecv.runtime.heads import decode
from edgecv.runtime.parts import Part
from tests.runtime.fake_engine import FakeEngine
from tests.runtime.heads.test_two_stage import PLAIN, RULE, SIZE, box_part, outputs


def mask_part(value=4.0):
    """Of class 2, dog, the left half."""

    def answer(rows):
        masks = np.full((len(rows), 3, 28, 28), -value, np.float32)
        masks[:, 2, :, :14] = value
        return {"masks": masks}

    return Part("mask", FakeEngine(answer, (-1, 2, 14, 14)), (1, 8, 8))


def test_masks_are_small_until_asked_for():
    head = TwoStageMasksHead(**RULE, max_detections=1)
    parts = {"box": box_part([]), "mask": mask_part()}
    (found,) = decode(head, outputs(), [PLAIN], parts)
    assert isinstance(found, Instances)
    assert found.soft[0].shape == (28, 28)
    assert found.regions.tolist() == [[48, 48, 80, 80]]
    mask = found.mask(0)
    assert mask[50:78, 49:64].all()
    assert not mask[:, 64:].any()


def test_masks_without_detections_and_without_parts():
    parts = {"box": box_part([], logits=(9, 0, 0)), "mask": mask_part()}
    (none,) = decode(TwoStageMasksHead(**RULE), outputs(), [PLAIN], parts)
    assert len(none) == 0
    assert none.masks().shape == (0, SIZE, SIZE)
    (plain,) = decode(TwoStageMasksHead(**RULE), outputs(), [PLAIN])
    assert isinstance(plain, Detections)
