"""ConvCrfPlan against the CPU twin, to the bit, and against the plain torch version."""

import dataclasses

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.conv_crf import OP, ConvCrf, conv_crf
from edgecv.ops.conv_crf.cuda import ConvCrfPlan
from tests.cuda.capture import assert_capturable
from tests.ops.conv_crf.oracle import by_torch
from tests.ops.dense_crf.oracle import picture

CRF = ConvCrf(3, 2, 1.5, 0.3, 20.0, 0.4, rate=0.4, iterations=2)
FORWARD = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)


def run(session, logits, images, crf, **options):
    plan = ConvCrfPlan(session, batch=len(logits), shape=logits.shape[1:], crf=crf, **options)
    scores, pictures = session.upload(logits), session.upload(images)
    (refined,) = assert_capturable(
        session, lambda stream: plan.enqueue(stream, scores, pictures), (plan.refined,)
    )
    plan.close()
    scores.free()
    pictures.free()
    return refined


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_equals_the_cpu_twin(session, rng, dtype):
    logits, image, _ = picture(rng, 9, 11)
    logits = logits.astype(dtype)
    logits[0, 2, 2], logits[1, 3, 3] = np.nan, np.inf
    q = run(session, logits[None], image[None], CRF, labels=False)[0]
    assert abs(q - conv_crf(logits.astype(np.float32), image, CRF)).max() <= OP.atol


@FORWARD
@pytest.mark.parametrize("blur", [1, 4])
def test_several_tiles(session, rng, blur):
    """Cells beyond one tile of 16, and a halo on every side."""
    logits, image, _ = picture(rng, 17 if blur == 1 else 6, 19)
    crf = dataclasses.replace(CRF, blur=blur, filter_size=5, iterations=1)
    q = run(session, logits[None], image[None], crf, labels=False)[0]
    assert abs(q - conv_crf(logits, image, crf)).max() <= OP.atol
    np.testing.assert_allclose(q, by_torch(logits, image, crf), atol=2e-5)


@FORWARD
def test_labels_of_a_batch(session, rng):
    """Two pictures share the scratch; nine labels need two rounds of the eight lanes."""
    pairs = [picture(rng, 7, 10, 9)[:2] for _ in range(2)]
    logits, images = (np.stack(part) for part in zip(*pairs, strict=True))
    labels = run(session, logits, images, CRF)
    for found, scores, image in zip(labels, logits, images, strict=True):
        assert np.array_equal(found, conv_crf(scores, image, CRF, labels=True))
    assert len(np.unique(labels)) > 2


@FORWARD
def test_without_iterations(session, rng):
    logits, image, _ = picture(rng, 5, 6)
    crf = dataclasses.replace(CRF, iterations=0)
    q = run(session, logits[None], image[None], crf, labels=False)[0]
    assert abs(q - conv_crf(logits, image, crf)).max() <= OP.atol


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses(session):
    with pytest.raises(ShapeError, match="batch"):
        ConvCrfPlan(session, batch=0, shape=(2, 3, 4), crf=CRF)
