"""The anchors head on the device."""

import numpy as np
import pytest

from edgecv.head import AnchorsHead
from tests.runtime.cuda_heads.detectors import ONCE, same_on_the_device

LEVELS = ({"stride": 8, "boxes": [[10, 12], [20, 9]]}, {"stride": 16, "boxes": [[30, 30]]})
COUNT = 8 * 8 * 2 + 4 * 4
HEADS = [
    pytest.param(AnchorsHead(size=(64, 64), levels=LEVELS, per_level=30), id="retinanet"),
    pytest.param(
        AnchorsHead(
            size=(64, 64),
            levels=LEVELS,
            activation="softmax",
            variances=(0.1, 0.1, 0.2, 0.2),
            score=0.4,
        ),
        id="ssd",
    ),
]


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("head", HEADS)
def test_equals_the_cpu(session, rng, head, dtype):
    scores = rng.permutation(2 * COUNT * 4).reshape(2, COUNT, 4) / (COUNT * 4) * 4 - 4
    deltas = rng.normal(0, 0.4, (2, COUNT, 4))
    outputs = {"scores": scores.astype(dtype), "deltas": deltas.astype(dtype)}
    results = same_on_the_device(session, head, outputs)
    assert all(len(result) for result in results)
    assert any(result.overflow for result in results) == bool(head.activation == "sigmoid")
