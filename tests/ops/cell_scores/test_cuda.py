"""The CUDA twin of cell_scores against its CPU twin."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.cell_scores import OP, cell_scores
from edgecv.ops.cell_scores.cuda import CellScoresPlan
from tests.cuda.capture import assert_capturable


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


def test_cuda_refuses_what_has_no_size():
    with pytest.raises(ShapeError, match="images and cells"):
        CellScoresPlan(None, batch=1, shape=(65, 0, 2))
