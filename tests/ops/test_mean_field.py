"""What both CRFs refuse, in the same words, and the width of their rows."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops._mean_field import (
    LANES,
    MAX_LABELS,
    check_kernels,
    check_pair,
    check_size,
    padded,
)
from edgecv.ops.conv_crf import ConvCrf, conv_crf
from edgecv.ops.dense_crf import DenseCrf, dense_crf

LOGITS, IMAGE = np.zeros((3, 4, 5), np.float32), np.zeros((4, 5, 3), np.uint8)


@pytest.mark.parametrize("labels", range(1, 20))
def test_a_row_is_the_next_multiple_of_the_lanes(labels):
    assert padded(labels) % LANES == 0
    assert labels <= padded(labels) < labels + LANES


@pytest.mark.parametrize(
    ("logits", "image", "match"),
    [
        pytest.param(LOGITS[0], IMAGE, r"\(L, H, W\) float32", id="two axes"),
        pytest.param(LOGITS.astype("float64"), IMAGE, "float64", id="doubles"),
        pytest.param(LOGITS, IMAGE[:3], r"\(4, 5, 3\) uint8", id="another height"),
        pytest.param(LOGITS, IMAGE[..., 0], r"\(4, 5, 3\) uint8", id="gray"),
        pytest.param(LOGITS, IMAGE.astype("float32"), "uint8", id="floats"),
    ],
)
def test_scores_and_picture_must_fit(logits, image, match):
    with pytest.raises(ShapeError, match=match):
        check_pair(logits, image)
    for crf, parameters in ((conv_crf, ConvCrf()), (dense_crf, DenseCrf())):
        with pytest.raises(ShapeError, match=match):
            crf(logits, image, parameters)
    check_pair(LOGITS, IMAGE)


@pytest.mark.parametrize(
    ("labels", "size", "match"),
    [
        (0, (4, 5), f"an_op takes 1 to {MAX_LABELS}"),
        (MAX_LABELS + 1, (4, 5), f"an_op takes 1 to {MAX_LABELS}"),
        (3, (0, 5), "an_op needs at least one pixel"),
        (3, (4, 0), "an_op needs at least one pixel"),
    ],
)
def test_too_many_labels_or_no_pixel(labels, size, match):
    with pytest.raises(ShapeError, match=match):
        check_size("an_op", labels, size)
    check_size("an_op", MAX_LABELS, (1, 1))


@pytest.mark.parametrize(
    ("sigmas", "weights", "iterations", "match"),
    [
        ((3.0, 0.0), (1.0,), 1, "an_op: every sigma"),
        ((float("inf"),), (1.0,), 1, "an_op: every sigma"),
        ((float("nan"),), (1.0,), 1, "an_op: every sigma"),
        ((3.0,), (-1.0,), 1, "an_op: weights"),
        ((3.0,), (1.0, 1e4), 1, "an_op: weights"),
        ((3.0,), (float("nan"),), 1, "an_op: weights"),
        ((3.0,), (1.0,), -1, "an_op: iterations"),
    ],
)
def test_kernels_that_mean_nothing(sigmas, weights, iterations, match):
    with pytest.raises(ShapeError, match=match):
        check_kernels("an_op", sigmas, weights, iterations)
    check_kernels("an_op", (3.0, 80.0), (0.0, 10.0), 0)
