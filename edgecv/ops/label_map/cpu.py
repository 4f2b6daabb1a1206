"""CPU twin of label_map: most cells between four scores need no arithmetic per pixel.

Between four neighbouring scores a class's value stays between the smallest and the largest of
them. Where one class's smallest beats every other class's largest, the whole cell is its own; else
only the classes that can win are interpolated. A slack of 2^-18 of the largest magnitude covers
rounding, so the labels are those of the plain form, bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.label_map import Sampling, taps

Array = npt.NDArray[Any]

_ROWS = 16  # output rows that the numpy form holds for all classes
_CELLS_PAY = 2  # output pixels per score from which looking at cells first is faster


def label_map(logits: Array, read: Sampling, out: Array) -> None:
    """See `edgecv.ops.label_map`; the arguments are checked there."""
    logits = np.ascontiguousarray(logits, np.float32)
    rows, columns = taps(read.y, logits.shape[1]), taps(read.x, logits.shape[2])
    if not jit_available():
        plain(logits, rows, columns, out)
        return
    from edgecv.ops.label_map import loops

    if out.size >= _CELLS_PAY * logits.shape[1] * logits.shape[2]:
        loops.by_cells(logits, _runs(rows), _runs(columns), rows[2], columns[2], out)
    else:
        loops.by_rows(logits, rows, columns, out)


def plain(
    logits: Array,
    rows: tuple[Array, Array, Array],
    columns: tuple[Array, Array, Array],
    out: Array,
) -> None:
    """The contract's formula in numpy, a few rows of all classes at a time."""
    left, right, across = columns
    for start in range(0, len(out), _ROWS):
        upper, lower, down = (table[start : start + _ROWS] for table in rows)
        with np.errstate(invalid="ignore", over="ignore"):
            above, below = logits[:, upper], logits[:, lower]
            lines = above + down[:, None] * (below - above)
            first, second = lines[:, :, left], lines[:, :, right]
            values = first + across * (second - first)
        values[np.isnan(values)] = -np.inf
        out[start : start + _ROWS] = values.argmax(axis=0)


def _runs(table: tuple[Array, Array, Array]) -> Array:
    """(R, 4) int32: lower index, upper index, first output pixel and one past the last."""
    low, high, _ = table
    starts = np.flatnonzero(np.diff(low, prepend=-1))
    ends = np.append(starts[1:], len(low))
    return np.stack([low[starts], high[starts], starts, ends], axis=1).astype(np.int32)
