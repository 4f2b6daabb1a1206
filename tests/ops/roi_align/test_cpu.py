"""RoIAlign by hand and against the published formula in plain loops; both CPU forms."""

import math

import numpy as np
import pytest

from edgecv.ops._jit import DISABLE
from edgecv.ops.roi_align import MAX_SAMPLES, RoiGrid, fpn_levels, roi_align

NAN, INF = float("nan"), float("inf")


EDGES = [  # boxes in cells of a 9 x 7 map
    pytest.param([1.2, 0.7, 6.9, 4.4], id="inside"),
    pytest.param([0, 0, 7, 9], id="whole"),
    pytest.param([-3, -2, 3, 4], id="over-the-corner"),
    pytest.param([5, 6, 12, 15], id="over-the-far-corner"),
    pytest.param([-0.9, -0.9, 0.05, 0.05], id="within-one-cell-outside"),
    pytest.param([20, 20, 30, 30], id="outside"),
    pytest.param([3, 4, 3, 4], id="point"),
    pytest.param([5, 5, 2, 3], id="inside-out"),
    pytest.param([6.5, 8.5, 7.5, 9.5], id="last-cell"),
]


def bilinear(plane, y, x):
    """Mask R-CNN's sample, as torchvision takes it, in float64."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = max(y, 0), max(x, 0)
    top, left = min(int(y), height - 1), min(int(x), width - 1)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v = y - top if bottom > top else 0
    h = x - left if right > left else 0
    return (
        (1 - v) * (1 - h) * plane[top, left]
        + (1 - v) * h * plane[top, right]
        + v * (1 - h) * plane[bottom, left]
        + v * h * plane[bottom, right]
    )


def by_definition(feature, box, grid, scale):
    rows, columns = grid.size
    x0, y0, x1, y1 = (float(v) * scale - 0.5 * grid.aligned for v in box)
    width, height = x1 - x0, y1 - y0
    if not grid.aligned:
        width, height = max(width, 1), max(height, 1)
    bin_w, bin_h = width / columns, height / rows
    ny = grid.sampling or max(0, math.ceil(bin_h))
    nx = grid.sampling or max(0, math.ceil(bin_w))
    pooled = np.zeros((len(feature), rows, columns))
    for c, i, j in np.ndindex(pooled.shape):
        samples = [
            bilinear(
                feature[c],
                y0 + i * bin_h + (a + 0.5) * bin_h / ny,
                x0 + j * bin_w + (b + 0.5) * bin_w / nx,
            )
            for a in range(ny)
            for b in range(nx)
        ]
        pooled[c, i, j] = sum(samples) / max(len(samples), 1)
    return pooled


def one_level(scale=1.0, size=(3, 2), aligned=True, sampling=2):
    return RoiGrid(size, (scale,), aligned, sampling)


def test_a_ramp_gives_the_centres_of_the_bins(form):
    ramp = np.tile(np.arange(16, dtype=np.float32), (1, 16, 1))
    box = np.float32([[4, 4, 12, 12]])
    aligned = roi_align([ramp], box, one_level(size=(2, 2)))
    assert aligned[0, 0].tolist() == [[5.5, 9.5]] * 2  # cell 5.5 lies at pixel 6, the bin's centre
    shifted = roi_align([ramp], box, one_level(size=(2, 2), aligned=False))
    assert shifted[0, 0].tolist() == [[6, 10]] * 2


@pytest.mark.parametrize("sampling", [2, 3, 0])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("box", EDGES)
def test_equals_the_published_formula(form, rng, box, aligned, sampling):
    feature = rng.standard_normal((2, 9, 7)).astype(np.float32)
    grid = one_level(0.25, aligned=aligned, sampling=sampling)
    box = np.float32(box) * 4
    pooled = roi_align([feature], box[None], grid)
    np.testing.assert_allclose(pooled[0], by_definition(feature, box, grid, 0.25), atol=2e-5)


def test_a_box_that_is_not_finite_gives_zeros(form):
    boxes = np.float32([[NAN, 0, 4, 4], [0, 0, INF, 4], [0, NAN, 4, NAN], [-INF, 0, INF, 4]])
    for sampling in (0, 2):
        grid = one_level(sampling=sampling)
        assert not roi_align([np.ones((3, 5, 5), np.float32)], boxes, grid).any()


def test_samples_of_a_huge_box_are_bounded(form):
    box = np.float32([[0, 0, 1e9, 1e9]])
    pooled = roi_align([np.ones((1, 4, 4), np.float32)], box, one_level(size=(1, 1), sampling=0))
    assert pooled.item() == 0  # the first of 64 samples a side is already far outside
    assert MAX_SAMPLES == 64


def test_levels_of_the_pyramid():
    grid = RoiGrid((7, 7), (1 / 4, 1 / 8, 1 / 16, 1 / 32), aligned=False)
    sides = np.float32([1, 111, 112, 223, 224, 447, 448, 5000])
    boxes = np.stack([sides * 0, sides * 0, sides, sides], 1)
    assert fpn_levels(boxes, grid).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert fpn_levels(np.float32([[0, 0, NAN, 9], [5, 5, 1, 1]]), grid).tolist() == [0, 0]


def test_levels_equal_the_logarithm(rng):
    grid = RoiGrid((7, 7), (1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64), aligned=False)
    boxes = np.zeros((2000, 4), np.float32)
    boxes[:, 2:] = np.exp2(rng.uniform(2, 11, (2000, 2)))
    side = np.sqrt(boxes[:, 2].astype(float) * boxes[:, 3])
    wanted = np.clip(np.floor(4 + np.log2(side / 224) + 1e-6) - 2, 0, 4)
    assert fpn_levels(boxes, grid).tolist() == wanted.tolist()


def test_each_box_is_pooled_from_its_level(form, rng):
    grid = RoiGrid((2, 2), (1 / 4, 1 / 8), aligned=True, canonical=(16, 1))
    maps = [rng.random((2, n, n), np.float32) for n in (16, 8)]
    boxes = np.float32([[8, 8, 40, 40], [3, 5, 10, 14], [0, 0, 16, 16]])
    pooled = roi_align(maps, boxes, grid)
    for k, level in enumerate([1, 0, 1]):
        wanted = by_definition(maps[level], boxes[k], grid, grid.scales[level])
        np.testing.assert_allclose(pooled[k], wanted, atol=1e-5)


@pytest.mark.parametrize("sampling", [2, 0])
def test_both_forms_give_the_same_bits(rng, monkeypatch, sampling):
    pytest.importorskip("numba")
    grid = RoiGrid((7, 7), (1 / 4, 1 / 8), aligned=True, sampling=sampling, canonical=(30, 1))
    maps = [rng.standard_normal((5, n, n + 3)).astype(np.float32) for n in (21, 11)]
    maps[0][0, 3:6, 3:6] = NAN
    boxes = rng.uniform(-20, 110, (40, 4)).astype(np.float32)
    compiled = roi_align(maps, boxes, grid)
    monkeypatch.setenv(DISABLE, "1")
    assert compiled.tobytes() == roi_align(maps, boxes, grid).tobytes()


def test_no_boxes_and_empty_maps(form):
    none = np.zeros((0, 4), np.float32)
    assert roi_align([np.ones((3, 4, 4), np.float32)], none, one_level()).shape == (0, 3, 3, 2)
    empty = roi_align([np.ones((3, 0, 4), np.float32)], np.ones((1, 4), np.float32), one_level())
    assert not empty.any()


@pytest.mark.parametrize(("aligned", "mode"), [(True, "half_pixel"), (False, "output_half_pixel")])
@pytest.mark.parametrize("sampling", [2, 0])
def test_equals_onnx_runtime(form, rng, aligned, mode, sampling):
    """Its operator, which torchvision exports to; boxes have an area there."""
    onnxruntime = pytest.importorskip("onnxruntime")
    helper = pytest.importorskip("onnx.helper")
    value = helper.make_tensor_value_info
    inputs = [value("x", 1, [1, 3, 20, 30]), value("rois", 1, [9, 4]), value("index", 7, [9])]
    node = helper.make_node(
        "RoiAlign", ["x", "rois", "index"], ["y"], output_height=5, output_width=4,
        sampling_ratio=sampling, spatial_scale=0.25, coordinate_transformation_mode=mode,
    )  # fmt: skip
    graph = helper.make_graph([node], "roi", inputs, [value("y", 1, [9, 3, 5, 4])])
    opsets = [helper.make_opsetid("", 16)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    feature = rng.standard_normal((3, 20, 30)).astype(np.float32)
    corner = rng.uniform(-20, 90, (9, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(3, 60, (9, 2))], 1).astype(np.float32)
    feeds = {"x": feature[None], "rois": boxes, "index": np.zeros(9, np.int64)}
    mine = roi_align([feature], boxes, one_level(0.25, (5, 4), aligned, sampling))
    np.testing.assert_allclose(mine, session.run(None, feeds)[0], rtol=0, atol=1e-6)
