"""The device decoder of classifiers gives what the CPU's gives."""

import numpy as np
import pytest

from edgecv.errors import FileError
from edgecv.head import ClassifyHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.cuda_heads import classify
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.runtime.cuda_heads.decoding import as_float32, decode_on

SEEN = Geometry((20, 30), Fit(0, 0, 8, 8))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_equals_the_cpu(session, rng, batch, activation, dtype):
    head = ClassifyHead(topk=4, activation=activation, names=tuple("abcdefg"))
    outputs = {"logits": rng.normal(0, 3, (batch, 7)).astype(dtype)}
    wanted = decode(head, as_float32(outputs), [SEEN] * batch)
    got = decode_on(session, classify, head, outputs, [SEEN] * batch)
    assert len(got) == batch
    for one, other in zip(got, wanted, strict=True):
        assert one.ids.tolist() == other.ids.tolist()
        np.testing.assert_allclose(one.scores, other.scores, rtol=0, atol=1e-6)
        assert (one.names, one.image_size) == (other.names, other.image_size)


def test_a_pooled_shape_few_classes_and_a_padded_batch(session):
    head = ClassifyHead(topk=9, outputs={"logits": "fc"})
    logits = np.log(np.float32([[1, 2, 4, 1]])).reshape(1, 4, 1, 1).repeat(2, 0)
    (got,) = decode_on(session, classify, head, {"fc": logits}, [SEEN])
    assert got.ids.tolist() == [2, 1, 0, 3]
    assert got.scores.tolist() == pytest.approx([0.5, 0.25, 0.125, 0.125])


def test_a_missing_output_is_named(session):
    with pytest.raises(FileError, match="no output 'logits'"):
        classify.Decoder(session, ClassifyHead(), {}, batch=1)
