"""What proposals refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.proposals import Anchors, ProposalRule, proposals

INPUT = (64, 96)


WHOLE = np.float32([0, 0, 96, 64])


def maps(rng, shapes, a=3):
    scores = [rng.standard_normal((a, *shape)).astype(np.float32) for shape in shapes]
    deltas = [rng.normal(0, 0.4, (4 * a, *shape)).astype(np.float32) for shape in shapes]
    return scores, deltas


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda s, d: (s[:1], d), "of each level", id="levels"),
        pytest.param(lambda s, d: (s, [d[0], d[1][:8]]), r"\(12, h, w\) deltas", id="channels"),
        pytest.param(lambda s, d: ([x.astype(float) for x in s], d), "float64", id="dtype"),
    ],
)
def test_refuses(rng, change, says):
    scores, deltas = change(*maps(rng, [(4, 4), (2, 2)]))
    with pytest.raises(ShapeError, match=says):
        proposals(scores, deltas, (INPUT, WHOLE), ProposalRule(Anchors((8, 16))))
