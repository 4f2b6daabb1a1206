"""Sigmoid and logit are each other's inverse, to the ends."""

import numpy as np
import pytest

from edgecv.ops._probability import limit_of, logit, sigmoid


def test_by_hand():
    assert logit(0.5) == 0
    assert (logit(0), logit(1)) == (-np.inf, np.inf)
    assert sigmoid(np.float32([0, -200, 200])).tolist() == [0.5, pytest.approx(0), 1]


@pytest.mark.parametrize("probability", [0.001, 0.25, 0.9])
def test_inverse(probability):
    assert sigmoid(np.float32([logit(probability)]))[0] == pytest.approx(probability, rel=1e-6)
    assert limit_of(probability, True) == np.float32(logit(probability))
    assert limit_of(probability, False) == np.float32(probability)
