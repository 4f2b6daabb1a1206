"""The CPU twin of cell_scores against torch's softmax and pixel shuffle."""

import numpy as np
import pytest

from edgecv.ops.cell_scores import OP, cell_scores, cell_side
from edgecv.ops.cell_scores.cpu import cell_scores as cpu


def published(logits):
    torch = pytest.importorskip("torch")
    dense = torch.softmax(torch.from_numpy(logits.astype(np.float32)), 0)[None, :-1]
    side = cell_side(len(logits))
    return torch.nn.functional.pixel_shuffle(dense, side)[0, 0].numpy()


@pytest.mark.parametrize("shape", [(65, 3, 5), (5, 1, 7), (2, 4, 1)])
def test_equals_softmax_and_pixel_shuffle(rng, shape):
    logits = rng.normal(0, 30, shape).astype(np.float32)
    np.testing.assert_allclose(cell_scores(logits), published(logits), rtol=0, atol=OP.atol)


def test_worked_by_hand():
    # e^logit is 1, 5, 1, 1 and 2 for the dustbin: 10 together
    logits = np.log(np.float32([1, 5, 1, 1, 2])).reshape(5, 1, 1)
    np.testing.assert_allclose(cell_scores(logits), [[0.1, 0.5], [0.1, 0.1]], atol=1e-7)


def test_a_broken_logit_breaks_its_cell_only():
    logits = np.zeros((5, 1, 4), np.float32)
    logits[2, 0, 0], logits[4, 0, 1], logits[:, 0, 2] = np.nan, np.inf, -np.inf
    scores = cell_scores(logits)
    assert np.isnan(scores[:, :6]).all()
    np.testing.assert_allclose(scores[:, 6:], 0.2, atol=1e-7)


def test_no_cells_no_scores():
    assert cpu(np.zeros((65, 0, 4), np.float32)).shape == (0, 32)
