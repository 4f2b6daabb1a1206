"""Candidates become detections: suppressed, mapped to the picture, overflow counted."""

import numpy as np

from edgecv.head import DenseHead
from edgecv.ops._candidates import Candidates
from edgecv.ops.letterbox import Fit
from edgecv.ops.suppression import Suppression
from edgecv.runtime.boxes import detections, rule_of
from edgecv.runtime.preprocess import Geometry


def test_boxes_are_mapped_to_the_picture_and_the_overflow_counted():
    head = DenseHead(names=("a", "b"), iou=0.5)
    boxes = np.float32([[8, 8, 16, 16], [8, 8, 16, 15]])
    found = Candidates(boxes, np.float32([0.9, 0.8]), np.int64([1, 1]), 5)
    result = detections(head, found, Geometry((128, 128), Fit(0, 0, 64, 64)))
    assert result.boxes.tolist() == [[16, 16, 32, 32]]
    assert (result.names, result.image_size, result.overflow) == (("a", "b"), (128, 128), 3)


def test_the_rule_is_the_heads():
    head = DenseHead(iou=0.6, max_detections=7, class_agnostic=True)
    assert rule_of(head) == Suppression(0.6, 7, True)
    soft = DenseHead(score=0.3, soft_nms="gaussian", sigma=0.4)
    assert rule_of(soft) == Suppression(soft="gaussian", sigma=0.4, floor=0.3)
