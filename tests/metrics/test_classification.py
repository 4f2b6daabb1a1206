import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.metrics.classification import confusion_matrix, topk_hits

RANKED = np.array([[3, 1, 0], [2, 0, 1], [0, 1, -1]])
LABELS = np.array([1, 2, 3])


@pytest.mark.parametrize(
    ("k", "hits"),
    [
        pytest.param(1, [False, True, False], id="top-1"),
        pytest.param(2, [True, True, False], id="top-2"),
        pytest.param(9, [True, True, False], id="more-than-kept"),
    ],
)
def test_topk_by_hand(k, hits):
    assert topk_hits(RANKED, LABELS, k).tolist() == hits


def test_confusion_by_hand():
    counts = confusion_matrix(np.array([0, 2, 2, 1]), np.array([0, 2, 1, 1]), 4)
    assert counts.tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        pytest.param(lambda: topk_hits(RANKED, LABELS[:2]), "ranked must be", id="lengths"),
        pytest.param(lambda: topk_hits(RANKED, LABELS, 0), "k >= 1", id="k"),
        pytest.param(lambda: confusion_matrix(LABELS, LABELS[:1], 4), "must be", id="shapes"),
        pytest.param(lambda: confusion_matrix(LABELS, LABELS, 3), "class id outside", id="ids"),
    ],
)
def test_bad_input_is_refused(call, rule):
    with pytest.raises(ShapeError, match=rule):
        call()
