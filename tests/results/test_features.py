"""Features: the contract, JSON without megabytes, drawing, and matching two pictures."""

import json

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.results import Features


def features(points, vectors=None):
    points = np.float32(points).reshape(-1, 2)
    scores = np.linspace(1, 0.5, len(points)).astype(np.float32)
    described = None if vectors is None else np.float32(vectors)
    return Features(points, scores, described, (20, 30), overflow=2)


def test_json_gives_descriptors_only_where_asked():
    found = features([[1.5, 2.5], [np.nan, 3]], [[1, 0], [0.6, 0.8]])
    told = found.to_dict()
    assert told["keypoints"][0] == {"xy": [1.5, 2.5], "score": 1.0}
    assert told["keypoints"][1]["xy"] == [None, 3.0]
    assert (told["task"], told["descriptor_size"], told["overflow"]) == ("features", 2, 2)
    assert found.to_dict(descriptors=True)["keypoints"][1]["descriptor"] == [0.6, 0.8]
    assert features([[1, 2]]).to_dict(descriptors=True)["descriptor_size"] == 0
    json.dumps(told, allow_nan=False)


def test_mutual_neighbours_of_two_pictures():
    first = features([[1, 1], [2, 2], [3, 3]], [[1, 0], [0, 1], [0.6, 0.8]])
    second = features([[5, 5], [6, 6]], [[0, 1], [0.8, 0.6]])
    found = first.match(second)
    assert found.pairs.tolist() == [[1, 0], [2, 1]]
    np.testing.assert_allclose(found.distances, [0, 0.08**0.5], atol=1e-5)
    assert first.match(second, farthest=0.1).pairs.tolist() == [[1, 0]]
    assert first.match(second, ratio=0.4).pairs.tolist() == [[1, 0]]  # 0.28 / 0.63 is more
    with pytest.raises(UsageError, match="cannot be matched"):
        first.match(features([[1, 1]]))


def test_circles_are_drawn_on_a_copy_and_only_inside():
    pytest.importorskip("cv2")
    image = np.zeros((20, 30, 3), np.uint8)
    drawn = features([[10.5, 8.5], [np.nan, 1], [1e9, 1]]).draw(image)
    rows, columns = np.nonzero(drawn.any(axis=2))
    assert not image.any()
    assert (rows.mean(), columns.mean()) == (8, 10)
    with pytest.raises(ShapeError, match="picture they are of"):
        features([]).draw(np.zeros((4, 4, 3), np.uint8))


def test_supervision_takes_them():
    pytest.importorskip("supervision")
    assert features([[1, 2], [3, 4]]).to_supervision().xy.shape == (1, 2, 2)


def test_the_contract_is_checked():
    with pytest.raises(ShapeError, match=r"Features.descriptors must be \(1, N\)"):
        features([[1, 2]], [[1, 0], [0, 1]])
    assert len(features([])) == 0
