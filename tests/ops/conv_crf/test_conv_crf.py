"""What conv_crf refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.conv_crf import ConvCrf, conv_crf

# weights small enough that the answer is not saturated: every term shows
CRF = ConvCrf(5, 2, 1.5, 0.3, 20.0, 0.4, rate=0.4, iterations=3)


IMAGE = np.zeros((4, 5, 3), np.uint8)


LOGITS = np.zeros((2, 4, 5), np.float32)


@pytest.mark.parametrize(
    ("logits", "image", "crf", "says"),
    [
        pytest.param(LOGITS.astype(float), IMAGE, CRF, "float64", id="dtype"),
        pytest.param(LOGITS, IMAGE[:3], CRF, r"must be \(4, 5, 3\)", id="size"),
        pytest.param(LOGITS[:, :0], IMAGE[:0], CRF, "at least one pixel", id="empty"),
        pytest.param(LOGITS[:0], IMAGE, CRF, "labels", id="no labels"),
        pytest.param(LOGITS, IMAGE, ConvCrf(filter_size=4), "odd", id="filter"),
        pytest.param(LOGITS, IMAGE, ConvCrf(blur=3), "blur", id="blur"),
        pytest.param(LOGITS, IMAGE, ConvCrf(color_sigma=0), "sigma", id="sigma"),
        pytest.param(LOGITS, IMAGE, ConvCrf(rate=2), "rate", id="rate"),
        pytest.param(LOGITS, IMAGE, ConvCrf(iterations=-1), "iterations", id="iterations"),
    ],
)
def test_refuses(logits, image, crf, says):
    with pytest.raises(ShapeError, match=says):
        conv_crf(logits, image, crf)
