"""CPU twin of survivors: a compiled pass that looks closer only at blocks with a hit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available

Array = npt.NDArray[Any]

_BLOCK = 256  # scores compared at once without a branch


def survivors(scores: Array, threshold: np.float32, first: int) -> tuple[Array, int]:
    """See `edgecv.ops.survivors`; the arguments are checked there."""
    if not jit_available():
        part = scores[:, first:].reshape(-1)
        return np.flatnonzero(part >= threshold), int(np.count_nonzero(np.isnan(part)))
    from edgecv.ops.survivors.loops import survivors_of_rows

    if first or scores.size < _BLOCK:
        index, nan = survivors_of_rows(scores, threshold, first)
        return index, int(nan)
    whole = scores.size // _BLOCK * _BLOCK
    flat = scores.reshape(-1)
    index, nan = survivors_of_rows(flat[:whole].reshape(-1, _BLOCK), threshold, 0)
    if whole < scores.size:
        rest, more = survivors_of_rows(flat[whole:].reshape(1, -1), threshold, 0)
        index, nan = (np.concatenate([index, rest + whole]) if len(rest) else index), nan + more
    return index, int(nan)
