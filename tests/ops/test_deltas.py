"""The box coder by hand."""

import numpy as np

from edgecv.ops._deltas import MOST, apply_deltas, clip_boxes, large_enough

BOX = np.float32([[10, 20, 30, 60]])


def moved(deltas, weights=(1, 1, 1, 1)):
    return apply_deltas(np.float32([deltas]), BOX, weights)[0].tolist()


def test_deltas_move_by_sizes_and_stretch_by_exponentials():
    assert moved([0, 0, 0, 0]) == BOX[0].tolist()
    assert moved([0.5, -0.25, 0, 0]) == [20, 10, 40, 50]
    np.testing.assert_allclose(moved([0, 0, np.log(2), np.log(0.5)]), [0, 30, 40, 50], rtol=1e-6)


def test_weights_divide():
    np.testing.assert_allclose(moved([5, -2.5, 5 * np.log(2), 0], (10, 10, 5, 5)), [10, 10, 50, 50])


def test_growth_is_bounded():
    x0, _, x1, _ = moved([0, 0, 99, 0])
    np.testing.assert_allclose(x1 - x0, 20 * np.exp(MOST), rtol=1e-6)
    assert np.isnan(moved([0, 0, np.nan, 0])[0])


def test_clipping_and_the_smallest():
    boxes = np.float32([[-5, 3, 8, 20], [2, 2, 2.5, 9], [np.nan, 0, 5, 5]])
    assert clip_boxes(boxes, np.float32([0, 0, 7, 10]))[0].tolist() == [0, 3, 7, 10]
    assert large_enough(boxes, 1).tolist() == [True, False, False]
