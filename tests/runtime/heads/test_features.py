"""One vector a picture, of unit length, at its middle."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import PatchHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads.features import decode
from edgecv.runtime.preprocess import Geometry

PLAIN = Geometry((20, 30), Fit(0, 0, 32, 32))


def test_worked_by_hand():
    vectors = np.float32([[3, 4], [0, 0], [np.nan, 1]])
    found = decode(PatchHead(), {"descriptor": vectors}, [PLAIN] * 3)
    assert found[0].points.tolist() == [[15, 10]]
    np.testing.assert_allclose(found[0].descriptors, [[0.6, 0.8]], atol=1e-7)
    assert found[1].descriptors.tolist() == [[0, 0]]
    assert np.isnan(found[2].descriptors).all()
    with pytest.raises(ShapeError, match="descriptor must be"):
        decode(PatchHead(), {"descriptor": vectors[None]}, [PLAIN])
