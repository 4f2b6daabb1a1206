"""Heatmaps and Part Affinity Fields of drawn people, as OpenPose's training targets are made.

People stand in a grid of slots (1; 2 x 5; 3 x 10), each in a random posture of `edgecv.data.people`
with a neck between the shoulders, in the joint and channel order of OpenPose's COCO body. A joint
is a Gaussian of 7 input pixels' sigma (0.875 cells), people combined by maximum; a limb's field is
its unit vector in the cells within one cell of it, averaged where limbs cross (Cao et al.,
arXiv:1611.08050, sections 2.2 and 2.3); then Gaussian noise of `noise` everywhere. The same
numbers for the same arguments. Tests and benchmarks/paf.py share it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgecv.data.figure import posture
from edgecv.head.pose import COCO18

SHAPE = (46, 82)  # cells of an input of 368 x 656 at stride 8
SLOTS = {1: (1, 1), 2: (1, 2), 3: (1, 3), 10: (2, 5), 30: (3, 10)}
_SIGMA = 0.875  # cells
_FROM_17 = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)  # -1: the neck


class Maps(NamedTuple):
    """`heatmaps` (19, h, w) and `fields` (38, h, w) float32; `people` (P, 18, 2) in cells."""

    heatmaps: np.ndarray
    fields: np.ndarray
    people: np.ndarray


def draw(
    people: int, *, shape: tuple[int, int] = SHAPE, seed: int = 0, noise: float = 0.01
) -> Maps:
    """Maps of `people` (1, 2, 3, 10 or 30) people; joints outside the maps leave no mark."""
    rng = np.random.default_rng((seed, people))
    rows, columns = SLOTS[people]
    high, wide = shape[0] / rows, shape[1] / columns
    joints = np.empty((people, len(COCO18.joints), 2))
    for i in range(people):
        row, column = divmod(i, columns)
        middle = np.array([(column + 0.5) * wide, (row + 0.42) * high]) + rng.uniform(-0.4, 0.4, 2)
        body, _ = posture(min(0.92 * high, 1.9 * wide), middle, rng)
        joints[i] = body[list(_FROM_17), :2]
        joints[i, 1] = body[5:7, :2].mean(0)
    heatmaps = np.zeros((len(COCO18.joints) + 1, *shape))
    fields = np.zeros((2 * len(COCO18.limbs), *shape))
    count = np.zeros((len(COCO18.limbs), *shape))
    y, x = np.indices(shape)
    for person in joints:
        for k, (u, v) in enumerate(person):
            blob = np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * _SIGMA**2))
            heatmaps[k] = np.maximum(heatmaps[k], blob)
        for i, (a, b) in enumerate(COCO18.limbs):
            along, across, unit = _limb(person[a], person[b], x, y)
            length = np.hypot(*(person[b] - person[a]))
            near = (along > -1) & (along < length + 1) & (np.abs(across) <= 1)
            fields[list(COCO18.fields[i])] += unit[:, None, None] * near
            count[i] += near
    for i, channels in enumerate(COCO18.fields):
        fields[list(channels)] /= np.maximum(count[i], 1)
    heatmaps[-1] = 1 - heatmaps[:-1].max(0)
    heatmaps += noise * rng.standard_normal(heatmaps.shape)
    fields += noise * rng.standard_normal(fields.shape)
    return Maps(heatmaps.astype(np.float32), fields.astype(np.float32), joints)


def _limb(a: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each cell's coordinate along and across the line from a to b, and the unit vector."""
    unit = (b - a) / max(np.hypot(*(b - a)), 1e-9)
    along = (x - a[0]) * unit[0] + (y - a[1]) * unit[1]
    across = (y - a[1]) * unit[0] - (x - a[0]) * unit[1]
    return along, across, unit
