"""Pairs of keypoints: two fields under their names, in this order."""

import numpy as np

from edgecv.results import Features
from edgecv.results.matches import Matches


def features(vectors):
    points, scores = np.zeros((len(vectors), 2), np.float32), np.ones(len(vectors), np.float32)
    return Features(points, scores, np.float32(vectors), (20, 30))


def test_matching_gives_what_the_contract_says():
    found = features([[1, 0], [0, 1], [-1, 0]]).match(features([[0, 1], [1, 0]]))
    assert isinstance(found, Matches)
    assert Matches._fields == ("pairs", "distances")
    assert found.pairs.tolist() == [[0, 1], [1, 0]]
    assert (found.pairs.dtype, found.distances.dtype) == (np.int64, np.float32)
    assert found.distances.tolist() == [0, 0]
