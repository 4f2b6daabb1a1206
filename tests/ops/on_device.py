"""What the tests of all box decoders' CUDA twins share."""

import numpy as np

from edgecv.ops._candidates import Candidates


def chosen_equals(session, plan, row, wanted, *, atol=1e-6, same_order=True):
    """Row `row` of a box decoder's outputs holds the candidates `wanted`, zeros behind them.

    Without `same_order`, neighbours whose scores differ by less than `atol` may be swapped: where
    the ranked scores are computed, two libms round them differently.
    """
    got = {key: session.download(getattr(plan, key))[row] for key in ("boxes", "scores", "ids")}
    count, total = (int(session.download(getattr(plan, key))[row]) for key in ("count", "total"))
    assert (count, total) == (len(wanted.boxes), wanted.total)
    real = {key: values[:count] for key, values in got.items()}
    if not same_order:
        assert (np.diff(real["scores"]) <= 0).all()
        order = partners(real, wanted, atol)
        real = {key: values[order] for key, values in real.items()}
    np.testing.assert_array_equal(real["ids"], wanted.ids)
    np.testing.assert_allclose(real["scores"], wanted.scores, rtol=0, atol=atol)
    np.testing.assert_allclose(real["boxes"], wanted.boxes, rtol=1e-6, atol=1e-4)
    assert not got["boxes"][count:].any()
    assert not got["scores"][count:].any()
    assert (got["ids"][count:] == -1).all()


def partners(real, wanted, atol):
    """For each of `wanted` the nearest place in `real` of the same class, score and box, once."""
    left, order = list(range(len(real["ids"]))), []
    for i in range(len(wanted.ids)):
        fits = [
            j
            for j in left
            if real["ids"][j] == wanted.ids[i]
            and abs(real["scores"][j] - wanted.scores[i]) <= atol
            and np.allclose(real["boxes"][j], wanted.boxes[i], rtol=1e-6, atol=1e-4)
        ]
        assert fits, f"candidate {i} of the CPU twin is not there"
        order.append(fits[0])
        left.remove(fits[0])
    return order


def holds(session, plan, row, wanted, *, atol=2e-6):
    """The same against an oracle's list of (score, class, box), best first."""
    scores, ids, boxes = (
        np.array(values) for values in zip(*(one[:3] for one in wanted), strict=True)
    )
    found = Candidates(boxes.reshape(-1, 4), scores, ids, len(wanted))
    chosen_equals(session, plan, row, found, atol=atol, same_order=False)
