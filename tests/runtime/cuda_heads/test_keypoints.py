"""The device decoder of keypoints gives the features that the CPU decoder gives."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import KeypointsHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.cuda_heads import keypoints
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.runtime.cuda_heads.decoding import as_float32, decode_on

ONCE = pytest.mark.parametrize(
    "session", ["shuffled", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)
PLACES = [Geometry((48, 80), Fit(0, 0, 24, 40)), Geometry((20, 30), Fit(2, 4, 20, 30))]


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("form", ["cells", "map"])
def test_equals_the_cpu(session, rng, form, dtype):
    scores = rng.permutation(2 * 65 * 15).reshape(2, 65, 3, 5) / 100  # no near ties
    if form == "map":
        scores = rng.permutation(2 * 24 * 40).reshape(2, 1, 24, 40) / 2048
    outputs = {
        "scores": scores.astype(dtype),
        "descriptors": rng.normal(size=(2, 20, 3, 5)).astype(dtype),
    }
    head = KeypointsHead(form=form, radius=2, border=1, max_keypoints=9)
    found = decode_on(session, keypoints, head, outputs, PLACES)
    for mine, other in zip(found, decode(head, as_float32(outputs), PLACES), strict=True):
        assert len(other) > 3
        assert other.overflow > 0
        assert (mine.overflow, mine.image_size) == (other.overflow, other.image_size)
        assert mine.points.tolist() == other.points.tolist()
        np.testing.assert_allclose(mine.scores, other.scores, rtol=0, atol=1e-6)
        np.testing.assert_allclose(mine.descriptors, other.descriptors, rtol=0, atol=1e-6)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_wrong_tensors_are_refused(session):
    maps = {key: session.zeros((1, 65, 2), "float32") for key in ("scores", "descriptors")}
    with pytest.raises(ShapeError, match="scores must be"):
        keypoints.Decoder(session, KeypointsHead(), maps, batch=1)
    for array in maps.values():
        array.free()
