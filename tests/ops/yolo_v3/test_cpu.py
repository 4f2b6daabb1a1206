"""YOLO v2 to v7 by hand, and against the papers' equations written in torch, point by point."""

import itertools
import math

import numpy as np
import pytest

from edgecv.ops.yolo_v3 import YoloLayout, YoloScale, yolo_v3
from tests.ops.yolo_v3.oracle import literal

LAYOUTS = [YoloLayout(*flags) for flags in itertools.product((False, True), repeat=4)]


SCALES = [
    YoloScale(32, ((40, 30), (60, 80)), 1.05),
    YoloScale(16, ((10, 14), (23, 27), (37, 58)), 1.2),
]


def name(layout):
    return "-".join(key for key, on in layout._asdict().items() if on) or "v3"


def test_a_box_by_hand(form):
    values = np.full((2, 3, 3, 7), -20, np.float32)  # two anchors, 3 x 3 cells, two classes
    values[1, 2, 0] = [0, math.log(3), math.log(2), 0, math.log(4), -20, math.log(9)]
    scale = [YoloScale(8, ((5, 5), (10, 20)))]
    (box,) = yolo_v3([values], scale, YoloLayout(channels_last=True), 0.5, 9).boxes
    # cell (0, 2): centre (0.5 * 8, 2.75 * 8), size (2 * 10, 1 * 20)
    assert box.tolist() == pytest.approx([4 - 10, 22 - 10, 4 + 10, 22 + 10])
    found = yolo_v3([values], scale, YoloLayout(channels_last=True), 0.5, 9)
    assert (found.ids.tolist(), found.scores.tolist()) == ([1], [pytest.approx(0.8 * 0.9)])
    # v5: centre ((0.5 * 2 - 0.5) * 8, (2 + 0.75 * 2 - 0.5) * 8), size ((4/3)^2 * 10, 1 * 20)
    layout = YoloLayout(channels_last=True, square=True)
    (box,) = yolo_v3([values], [scale[0]._replace(scale_xy=2)], layout, 0.5, 9).boxes
    half = 10 * 16 / 9 / 2
    assert box.tolist() == pytest.approx([4 - half, 24 - 10, 4 + half, 24 + 10])


def maps_of(rng, layout, classes=3):
    maps = []
    for scale, (h, w) in zip(SCALES, ((3, 4), (6, 8)), strict=True):
        values = rng.normal(0, 1.5, (len(scale.anchors), h, w, 5 + classes)).astype(np.float32)
        if not layout.channels_last:
            values = np.ascontiguousarray(values.transpose(0, 3, 1, 2).reshape(-1, h, w))
        maps.append(values)
    return maps


@pytest.mark.parametrize("layout", LAYOUTS, ids=name)
def test_equals_the_equations(form, rng, layout):
    maps = maps_of(rng, layout)
    wanted = literal(maps, SCALES, layout, 0.4)
    found = yolo_v3(maps, SCALES, layout, 0.4, 1000)
    assert found.total == len(wanted) > 10
    assert found.ids.tolist() == [one[1] for one in wanted]
    np.testing.assert_allclose(found.scores, [one[0] for one in wanted], atol=1e-6)
    np.testing.assert_allclose(found.boxes, [one[2] for one in wanted], rtol=1e-5, atol=1e-4)


def test_k_counts_the_rest_and_nan_is_counted(form, rng):
    layout = YoloLayout()
    maps = maps_of(rng, layout)
    all_of_them = yolo_v3(maps, SCALES, layout, 0.2, 1000)
    few = yolo_v3(maps, SCALES, layout, 0.2, 5)
    assert few.total == all_of_them.total
    assert np.array_equal(few.boxes, all_of_them.boxes[:5])
    maps[0][4] = np.nan  # the objectness of the first anchor
    assert yolo_v3(maps, SCALES, layout, 0.2, 5).nan == maps[0][4].size
