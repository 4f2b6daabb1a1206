"""Integral regression: one person a picture, each joint the mean place of its map."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import IntegralHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads.integral import decode as decode_integral
from edgecv.runtime.preprocess import Geometry

PLAIN = Geometry((64, 48), Fit(0, 0, 64, 48))
OWN = {"skeleton": "own", "names": ("a", "b")}


def test_integral_by_hand():
    maps = np.full((1, 2, 16, 12), -np.inf, np.float32)
    maps[0, :, 5, 3:5] = np.log([[1, 3], [2, 2]])
    (told,) = decode_integral(IntegralHead(align="centre", **OWN), {"heatmap": maps}, [PLAIN])
    np.testing.assert_allclose(told.joints[0], [[17, 22, 0.75], [16, 22, 0.5]], rtol=1e-6)


def test_beta_sharpens_the_mean():
    maps = np.full((1, 2, 16, 12), -np.inf, np.float32)
    maps[0, :, 5, 3:5] = np.log([1, 3])
    soft, sharp = (
        decode_integral(IntegralHead(align="centre", beta=beta, **OWN), {"heatmap": maps}, [PLAIN])
        for beta in (1, 2)
    )
    # places 3 and 4 with weights 1 : 3, and squared 1 : 9; half a cell, 4 pixels a cell
    assert soft[0].joints[0, 0, 0] == pytest.approx((3.75 + 0.5) * 4)
    assert sharp[0].joints[0, 0, 0] == pytest.approx((3.9 + 0.5) * 4)


def test_a_padded_batch_gives_a_person_a_picture():
    maps = np.zeros((3, 2, 16, 12), np.float32)
    told = decode_integral(IntegralHead(**OWN), {"heatmap": maps}, [PLAIN, PLAIN])
    assert [len(one) for one in told] == [1, 1]


def test_maps_of_another_rank_are_refused():
    with pytest.raises(ShapeError, match=r"heatmap must be \(N, any, any, any\)"):
        decode_integral(IntegralHead(**OWN), {"heatmap": np.zeros((1, 2, 16), "f4")}, [PLAIN])
