"""What dense_crf refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops._mean_field import MAX_LABELS
from edgecv.ops.dense_crf import DenseCrf, dense_crf

# weights small enough that the answer is not saturated: every term shows
CRF = DenseCrf(1.5, 1.0, bilateral_sigma=6.0, color_sigma=20.0, bilateral_weight=3.0, iterations=4)


IMAGE = np.zeros((4, 5, 3), np.uint8)


LOGITS = np.zeros((2, 4, 5), np.float32)


@pytest.mark.parametrize(
    ("logits", "image", "crf", "says"),
    [
        pytest.param(LOGITS.astype(float), IMAGE, CRF, "float64", id="dtype"),
        pytest.param(LOGITS[0], IMAGE, CRF, r"\(L, H, W\)", id="rank"),
        pytest.param(LOGITS, IMAGE[:3], CRF, r"must be \(4, 5, 3\)", id="size"),
        pytest.param(LOGITS, IMAGE.astype(np.int16), CRF, "int16", id="image"),
        pytest.param(LOGITS[:, :0], IMAGE[:0], CRF, "at least one pixel", id="empty"),
        pytest.param(LOGITS[:0], IMAGE, CRF, f"1 to {MAX_LABELS} labels", id="no labels"),
        pytest.param(LOGITS, IMAGE, DenseCrf(spatial_sigma=0), "sigma", id="sigma"),
        pytest.param(LOGITS, IMAGE, DenseCrf(color_sigma=np.nan), "sigma", id="nan"),
        pytest.param(LOGITS, IMAGE, DenseCrf(bilateral_weight=-1), "weights", id="weight"),
        pytest.param(LOGITS, IMAGE, DenseCrf(iterations=-1), "iterations", id="iterations"),
        pytest.param(LOGITS, IMAGE, DenseCrf(color_sigma=1e-4), "too large", id="range"),
        pytest.param(LOGITS, IMAGE, DenseCrf(compatibility=((0.0,),)), "2 x 2", id="matrix"),
        pytest.param(
            LOGITS, IMAGE, DenseCrf(compatibility=((0, 1), (0, 0))), "symmetric", id="asymmetric"
        ),
        pytest.param(
            LOGITS, IMAGE, DenseCrf(compatibility=((0, 1), (0,))), "square", id="ragged"
        ),
    ],
)  # fmt: skip
def test_refuses(logits, image, crf, says):
    with pytest.raises(ShapeError, match=says):
        dense_crf(logits, image, crf)
