"""SuperPoint's maps drawn by hand come back as keypoints with their descriptors."""

import numpy as np
import pytest

from edgecv.errors import FileError, ShapeError
from edgecv.head import KeypointsHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads.keypoints import decode, features_of, rule_of
from edgecv.runtime.preprocess import Geometry

PLAIN = Geometry((24, 32), Fit(0, 0, 24, 32))


def drawn(points, depth=4):
    """Logits (1, 65, 3, 4) whose pixels `points` (x, y) are likely, and descriptors by cell."""
    logits = np.zeros((1, 65, 3, 4), np.float32)
    logits[:, 64] = 10
    for at, (x, y) in enumerate(points):
        logits[0, y % 8 * 8 + x % 8, y // 8, x // 8] = 14 - at
    maps = np.arange(depth * 12, dtype=np.float32).reshape(1, depth, 3, 4)
    return {"scores": logits, "descriptors": maps}


def test_keypoints_are_pixel_centres_with_unit_descriptors():
    outputs = drawn([(20, 11), (9, 17)])
    (found,) = decode(KeypointsHead(grid="centre", score=0.1), outputs, [PLAIN])
    assert found.points.tolist() == [[20.5, 11.5], [9.5, 17.5]]
    assert found.scores[0] > found.scores[1] > 0.5
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-6)
    # (20.5, 11.5) is cell (2.0625, 0.9375): 5.8125 in the first channel, 12 more in each next
    wanted = 5.8125 + 12 * np.arange(4)
    np.testing.assert_allclose(found.descriptors[0], wanted / np.linalg.norm(wanted), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 9, 9), (1, 9, 9)])
def test_a_score_map_is_taken_as_it_is(shape):
    scores = np.zeros((9, 9), np.float32)
    scores[4, 5], scores[4, 6] = 3, 2
    outputs = {"scores": scores.reshape(shape), "descriptors": np.ones((1, 3, 2, 2), np.float32)}
    head = KeypointsHead(form="map", score=1, border=2, radius=2, max_keypoints=5)
    (found,) = decode(head, outputs, [Geometry((9, 9), Fit(0, 0, 9, 9))])
    assert (found.points.tolist(), found.scores.tolist()) == ([[5.5, 4.5]], [3.0])
    assert rule_of(head) == (1, 5, 2, 3, 2)


def test_points_go_back_through_the_letterbox_and_padding_has_none():
    geometry = Geometry((40, 60), Fit(2, 4, 20, 30))  # half the size, 2 down and 4 right
    points = np.float32([[5, 3], [1, 3], [5, 30]])
    told = features_of(points, np.float32([3, 2, 1]), np.eye(3, dtype=np.float32), geometry, 7)
    wide = (np.float32([5, 3]) - [geometry.fit.left, geometry.fit.top]) * 2
    assert told.points.tolist() == [wide.tolist()]
    assert (told.scores.tolist(), told.overflow) == ([3.0], 7)


def test_wrong_tensors_are_refused():
    outputs = drawn([])
    with pytest.raises(FileError, match="descriptors"):
        decode(KeypointsHead(), {"scores": outputs["scores"]}, [PLAIN])
    with pytest.raises(ShapeError, match="scores must be"):
        decode(KeypointsHead(form="map"), outputs, [PLAIN])
    with pytest.raises(ShapeError, match="dustbin"):
        decode(KeypointsHead(), {**outputs, "scores": outputs["scores"][:, :64]}, [PLAIN])
