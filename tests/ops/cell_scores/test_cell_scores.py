"""Both twins of cell_scores against torch's softmax and pixel shuffle."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.cell_scores import OP, cell_scores, cell_side
from edgecv.ops.cell_scores.cpu import cell_scores as cpu
from edgecv.ops.cell_scores.cuda import CellScoresPlan
from tests.cuda.capture import assert_capturable


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


def test_channels_must_be_a_square_and_a_dustbin():
    with pytest.raises(ShapeError, match="dustbin"):
        cell_scores(np.zeros((64, 2, 2), np.float32))
    with pytest.raises(ShapeError, match="logits must be"):
        cell_scores(np.zeros((65, 2), np.float32))
    with pytest.raises(ShapeError, match="images and cells"):
        CellScoresPlan(None, batch=1, shape=(65, 0, 2))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("shape", [(2, 65, 5, 3), (1, 5, 9, 11)])
def test_cuda_equals_the_cpu_twin(session, rng, shape, dtype):
    logits = rng.normal(0, 20, shape).astype(dtype)
    logits[0, 1, 0, 0], logits[0, 4, 1, 1], logits[0, :, 2, 2] = np.nan, np.inf, -np.inf
    logits[-1, 2, 3, 0] = -np.inf
    plan = CellScoresPlan(session, batch=shape[0], shape=shape[1:])
    device = session.upload(logits)
    run = assert_capturable(session, lambda s: plan.enqueue(s, device), [plan.scores])
    for found, cells in zip(run[0], logits, strict=True):
        np.testing.assert_allclose(found, cell_scores(cells), rtol=0, atol=OP.atol)
    plan.close()
