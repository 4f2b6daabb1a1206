"""Classification by hand."""

import numpy as np
import pytest

from edgecv.errors import FileError, ShapeError
from edgecv.head import ClassifyHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry

SEEN = [Geometry((20, 30), Fit(0, 0, 8, 8))]
LOGITS = np.log(np.float32([[1, 2, 4, 1]]))


def one(head, logits=LOGITS):
    return decode(head, {head.tensor("logits"): logits}, SEEN)[0]


def test_softmax_by_hand():
    result = one(ClassifyHead(topk=3, names=("a", "b", "c", "d")))
    assert result.ids.tolist() == [2, 1, 0]  # of equal classes the lower id first
    assert result.scores.tolist() == pytest.approx([0.5, 0.25, 0.125])
    assert result.best == "c"
    assert result.image_size == (20, 30)


def test_sigmoid_by_hand():
    result = one(ClassifyHead(topk=2, activation="sigmoid"))
    assert result.scores.tolist() == pytest.approx([4 / 5, 2 / 3])


def test_probabilities_pass_through():
    result = one(ClassifyHead(topk=1, activation="none"), np.float32([[0.1, 0.9]]))
    assert (result.ids.tolist(), result.scores.tolist()) == ([1], pytest.approx([0.9]))


def test_large_logits_do_not_overflow():
    result = one(ClassifyHead(topk=2), np.float32([[1e4, -1e4]]))
    assert result.scores.tolist() == [1, 0]


def test_fewer_classes_than_topk_and_a_pooled_shape():
    result = one(ClassifyHead(topk=9), LOGITS.reshape(1, 4, 1, 1))
    assert len(result.ids) == 4


def test_padding_of_a_batch_is_dropped():
    assert len(decode(ClassifyHead(), {"logits": LOGITS.repeat(4, 0)}, SEEN)) == 1


def test_a_renamed_output_is_found_and_a_missing_one_named():
    assert one(ClassifyHead(outputs={"logits": "fc"})).ids[0] == 2
    with pytest.raises(FileError, match=r"no output 'logits'.*\n.*outputs: fc"):
        decode(ClassifyHead(), {"fc": LOGITS}, SEEN)


def test_refuses_another_rank():
    with pytest.raises(ShapeError, match=r"logits must be \(N, any\)"):
        one(ClassifyHead(), np.zeros((1, 2, 3), np.float32))
