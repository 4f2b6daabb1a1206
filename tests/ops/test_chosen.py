"""The outputs that the CUDA twins of all box decoders have."""

import numpy as np
import pytest

from edgecv.ops._chosen import ChosenBoxes
from edgecv.ops.topk.cuda import TopKPlan


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_outputs_of_fixed_capacity_are_freed_with_the_selection(session):
    chosen = ChosenBoxes(session, 2, 5, 3)
    chosen._choose(TopKPlan(session, batch=2, n=9, k=5, threshold=0.5))
    assert [array.shape for array in chosen.outputs] == [(2, 5, 4), (2, 5), (2, 5)]
    assert [array.dtype for array in chosen.outputs] == [np.float32, np.float32, np.int32]
    assert chosen.count.shape == chosen.total.shape == (2,)
    chosen.close()
    assert session.allocated_bytes == 0
