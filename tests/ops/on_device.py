"""What the tests of all box decoders' CUDA twins share."""

import numpy as np


def chosen_equals(session, plan, row, wanted, *, atol=1e-6):
    """Row `row` of a box decoder's outputs holds the candidates `wanted`, zeros behind them."""
    got = {key: session.download(getattr(plan, key))[row] for key in ("boxes", "scores", "ids")}
    count, total = (int(session.download(getattr(plan, key))[row]) for key in ("count", "total"))
    assert (count, total) == (len(wanted.boxes), wanted.total)
    np.testing.assert_array_equal(got["ids"][:count], wanted.ids)
    np.testing.assert_allclose(got["scores"][:count], wanted.scores, rtol=0, atol=atol)
    np.testing.assert_allclose(got["boxes"][:count], wanted.boxes, rtol=1e-6, atol=1e-4)
    assert not got["boxes"][count:].any()
    assert not got["scores"][count:].any()
    assert (got["ids"][count:] == -1).all()
