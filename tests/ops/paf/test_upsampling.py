"""Peaks refined at the maps' resolution give the people that enlarging the maps first gives.

The published decoders enlarge heatmaps and fields 4 or 8 times (cubic) and take the highest pixels.
Here both are compared on drawn people. They differ by what enlarging cannot do: its joints lie on a
grid of 1/4 (1/8) of a cell, and cubic interpolation of a Gaussian of 0.875 cells is up to 7 % too
low half way between cells, while the parabola through logarithms is exact. In the outermost cells
we keep the cell's centre where enlarged maps, which repeat their border, put joints at the edge.
"""

import numpy as np
import pytest

from benchmarks.pose_maps import draw
from edgecv.head.pose import COCO18
from edgecv.ops.paf import Grouping, paf
from tests.ops.paf.oracle import affinity_of, people_from

cv2 = pytest.importorskip("cv2")
GAP = 0.1  # of a cell, beyond half a pixel of the enlarged map
COCO = Grouping(COCO18.limbs, COCO18.fields, COCO18.closing)


def enlarged_people(heatmaps, fields, scale):
    """[({part: (x, y, score)}, mean)] of enlarged maps, in enlarged pixels."""

    def enlarge(one):
        return cv2.resize(one, (0, 0), fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)

    heatmaps, fields = [[enlarge(one) for one in maps] for maps in (heatmaps, fields)]

    def affinity(limb, a, b):
        x, y = COCO.fields[limb]
        return affinity_of(fields[x], fields[y], a, b, COCO)

    return people_from([highest(one, scale) for one in heatmaps], affinity, COCO)


def highest(one, scale):
    """[(x, y, value)]: maxima of 3 x 3 above the threshold; of those within 1.5 cells the best."""
    top = cv2.dilate(one, np.ones((3, 3)))
    y, x = np.nonzero((one == top) & (one >= COCO.peak))
    kept = []
    for i in np.argsort(-one[y, x], kind="stable"):
        if all(np.hypot(x[i] - u, y[i] - v) >= 1.5 * scale for u, v, _ in kept):
            kept.append((int(x[i]), int(y[i]), float(one[y[i], x[i]])))
    return kept


@pytest.mark.parametrize(("people", "scale"), [(1, 4), (3, 4), (10, 4), (3, 8)])
def test_refining_equals_enlarging(people, scale):
    maps = draw(people, shape=(34, 56), seed=7)
    found = paf(maps.heatmaps, maps.fields, 18, COCO)
    wanted = enlarged_people(maps.heatmaps[:18], maps.fields, scale)
    assert len(found.joints) == len(wanted) == people
    differ, gaps, scores = 0, [], []
    for parts, _ in wanted:
        theirs = np.zeros((18, 3))
        for part, (x, y, score) in parts.items():
            theirs[part] = (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5, score
        both = (found.joints[:, :, 2] > 0) & (theirs[:, 2] > 0)
        apart = np.abs(found.joints[:, :, :2] - theirs[:, :2]).max(2)
        mine = int(((apart < 0.5) & both).sum(1).argmax())
        differ += int(((found.joints[mine, :, 2] > 0) != (theirs[:, 2] > 0)).sum())
        place = found.joints[mine, :, :2]
        within = both[mine] & (place > 0.5).all(1) & (place < np.array([56, 34]) - 1.5).all(1)
        gaps += apart[mine][within].tolist()
        assert (apart[mine][both[mine]] < 1).all()
        scores += (theirs[:, 2] / np.maximum(found.joints[mine, :, 2], 1e-9))[both[mine]].tolist()
    assert differ <= 0.02 * 18 * people
    assert np.quantile(gaps, 0.98) < 0.5 / scale + GAP
    assert np.median(gaps) < 0.5 / scale
    assert 0.85 < np.quantile(scores, 0.02) <= np.quantile(scores, 0.98) < 1.1


def test_refining_is_nearer_to_the_truth_than_enlarging():
    maps = draw(3, shape=(34, 56), seed=7, noise=0)
    found = paf(maps.heatmaps, maps.fields, 18, COCO).joints
    wanted = enlarged_people(maps.heatmaps[:18], maps.fields, 4)
    theirs = np.zeros((len(wanted), 18, 2))
    for row, (parts, _) in zip(theirs, wanted, strict=True):
        for part, (x, y, _) in parts.items():
            row[part] = (x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5
    gaps = [
        np.median([np.abs(people - truth).max(2).min(0) for truth in maps.people])
        for people in (found[:, :, :2], theirs)
    ]
    assert gaps[0] < 0.01 < 0.05 < gaps[1]
