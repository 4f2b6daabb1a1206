"""What cell_scores refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.cell_scores import cell_scores


def test_channels_must_be_a_square_and_a_dustbin():
    with pytest.raises(ShapeError, match="dustbin"):
        cell_scores(np.zeros((64, 2, 2), np.float32))
    with pytest.raises(ShapeError, match="logits must be"):
        cell_scores(np.zeros((65, 2), np.float32))
