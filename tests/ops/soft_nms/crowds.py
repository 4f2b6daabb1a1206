"""Boxes and decays that the tests of soft-NMS share."""

import numpy as np

from edgecv.ops.soft_nms import Decay

NAN, INF = float("nan"), float("inf")
DECAYS = [
    Decay("linear", iou=0.3),
    Decay("linear", iou=0.0, floor=0.2),
    Decay("gaussian", sigma=0.5),
    Decay("gaussian", sigma=0.1, floor=0.05),
]


_FIVE = [[5, 5, 5, 5], [NAN, 0, 9, 9], [9, 0, 1, 10], [-INF, 0, INF, 9], [0, 0, 9, 9]]
ODD = np.float32([*_FIVE, *_FIVE])  # empty, not a number, inverted, endless, plain; and again
ODD_SCORES = np.float32([0.9, 0.8, 0.7, 0.6, 0.5, NAN, 0.4, 0.3, 0.2, 0.1])


def crowd(rng, n, classes, side=60):
    corner = rng.uniform(0, side, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 40, (n, 2))], 1).astype(np.float32)
    scores = np.sort(rng.uniform(0.1, 1, n).astype(np.float32))[::-1].copy()
    return boxes, scores, rng.integers(0, classes, n)
