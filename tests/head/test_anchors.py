"""The published anchors, against the generators of their authors written anew."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from edgecv.head.anchors import PRESETS, AnchorLevel, AnchorsHead
from edgecv.ops.anchors.grid import GridLevel, anchor_grid


def grid(name, size):
    levels = AnchorsHead(anchors=name).pyramid()
    grids = [GridLevel(level.stride, level.boxes, level.offset, level.grid) for level in levels]
    return anchor_grid(grids, size)


@pytest.mark.parametrize(
    ("name", "size", "count"),
    [
        pytest.param("ssd300", (300, 300), 8732, id="ssd300"),
        pytest.param("ssd512", (512, 512), 24564, id="ssd512"),
        pytest.param("efficientdet", (512, 512), 49104, id="efficientdet-d0"),
        pytest.param("retinanet", (640, 640), 76725, id="retinanet"),
        pytest.param("faster_rcnn", (640, 640), 102300, id="rpn"),
    ],
)
def test_counts_are_the_published_ones(name, size, count):
    assert len(grid(name, size)) == count


def test_retinanet_equals_torchvision():
    """AnchorGenerator: corners of rounded base anchors, shifted by whole strides."""
    wanted = []
    for size in (32, 64, 128, 256, 512):
        stride = size // 4
        sizes = np.array([size, int(size * 2 ** (1 / 3)), int(size * 2 ** (2 / 3))])
        ratios = np.sqrt([0.5, 1.0, 2.0])
        w, h = (1 / ratios[:, None] * sizes).ravel(), (ratios[:, None] * sizes).ravel()
        corners = np.round(np.stack([-w, -h, w, h], 1) / 2)
        shifts = np.arange(math.ceil(256 / stride)) * stride
        y, x = np.meshgrid(shifts, shifts, indexing="ij")
        at = np.stack([x, y, x, y], -1).reshape(-1, 1, 4) + corners
        wanted.append(at.reshape(-1, 4))
    wanted = np.concatenate(wanted)
    boxes = grid("retinanet", (256, 256))
    got = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
    assert np.array_equal(got, wanted)


def test_ssd300_equals_the_papers_rule():
    """Section 2.2: a square, one of the mean scale, then ratios; centres in the cells' middles."""
    boxes = grid("ssd300", (300, 300))
    first = boxes[: 38 * 38 * 4].reshape(38, 38, 4, 4)
    assert first[0, 1, 0].tolist() == [12, 4, 21, 21]  # s = 0.07
    mean = 300 * math.sqrt(0.07 * 0.15)
    assert first[5, 0, 1].tolist() == pytest.approx([4, 44, mean, mean])
    assert first[0, 0, 2, 2:].tolist() == pytest.approx([21 * math.sqrt(2), 21 / math.sqrt(2)])
    assert first[0, 0, 3, 2:].tolist() == pytest.approx([21 / math.sqrt(2), 21 * math.sqrt(2)])
    last = boxes[-4:]
    assert last[:, :2].tolist() == [[150, 150]] * 4
    assert last[1, 2] == pytest.approx(300 * math.sqrt(0.87 * 1.05))
    assert last[2, 2] == 300  # 0.87 * sqrt(2) is clipped to the picture


def test_efficientdet_equals_its_generator():
    """automl's anchors.py: strides from stride / 2 on, scales outside, aspects inside."""
    boxes = grid("efficientdet", (128, 256))
    wanted = []
    for level in range(3, 8):
        stride = 2**level
        for y in np.arange(stride / 2, 128, stride):
            for x in np.arange(stride / 2, 256, stride):
                for octave in (0, 1 / 3, 2 / 3):
                    size = 4 * stride * 2**octave
                    for aspect in ((1, 1), (1.4, 0.7), (0.7, 1.4)):
                        wanted.append((x, y, size * aspect[0], size * aspect[1]))
    np.testing.assert_allclose(boxes, wanted, rtol=1e-6)


def test_own_levels_take_the_presets_place():
    level = {"stride": 8, "boxes": [[4, 4]]}
    head = AnchorsHead(levels=[level])
    assert head.pyramid() == (AnchorLevel(stride=8, boxes=((4, 4),)),)
    assert set(PRESETS) == {"retinanet", "faster_rcnn", "efficientdet", "ssd300", "ssd512"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param({"levels": [{"stride": 0, "boxes": [[1, 1]]}]}, "greater than 0", id="stride"),
        pytest.param({"levels": [{"stride": 8, "boxes": []}]}, "at least 1", id="no-boxes"),
        pytest.param({"anchors": "yolo"}, "retinanet", id="preset"),
    ],
)
def test_refuses(values, says):
    with pytest.raises(ValidationError, match=says):
        AnchorsHead(**values)
