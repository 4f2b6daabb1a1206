"""Host copies of what suppression left become detections in picture pixels."""

import numpy as np
import pytest

from edgecv.head import DenseHead
from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops.letterbox import Fit
from edgecv.ops.topk.cuda import TopKPlan
from edgecv.runtime.cuda_heads.boxes import BoxDecoder
from edgecv.runtime.preprocess import Geometry


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_collect_by_hand(session):
    chosen = ChosenBoxes(session, 2, 4, 3)
    chosen._choose(TopKPlan(session, batch=2, n=4, k=4))
    decoder = BoxDecoder(session, DenseHead(max_detections=3, names=("a", "b")), chosen)
    assert {key: array.shape for key, array in decoder.results.items()} == {
        "boxes": (2, 3, 4),
        "scores": (2, 3),
        "ids": (2, 3),
        "found": (2, 2),
    }
    host = {
        "boxes": np.float32([[[8, 8, 16, 24], [0, 0, 1, 1], [0, 0, 0, 0]]] * 2),
        "scores": np.float32([[0.9, 0.5, 0]] * 2),
        "ids": np.int32([[1, 0, -1]] * 2),
        "found": np.int32([[1, 7], [0, 0]]),
    }
    first, second = decoder.collect(host, [Geometry((128, 128), Fit(0, 0, 64, 64))] * 2)
    assert first.boxes.tolist() == [[16, 16, 32, 48]]
    assert (first.ids.tolist(), first.ids.dtype) == ([1], np.int64)
    assert first.scores.tolist() == np.float32([0.9]).tolist()
    assert (first.overflow, first.names, len(second)) == (7, ("a", "b"), 0)
    decoder.close()
