"""Compiled loop of roi_pool; imported only where numba is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit

Array = npt.NDArray[Any]


@jit
def pool(feature: Array, rows: Array, columns: Array, pooled: Array) -> None:
    """Write the maxima of (K, C, rows, columns) `pooled`; see `edgecv.ops.roi_pool`."""
    least = np.float32(-np.inf)
    for k in range(len(pooled)):
        for c in range(pooled.shape[1]):
            plane = feature[c]
            for i in range(pooled.shape[2]):
                for j in range(pooled.shape[3]):
                    best = least
                    for y in range(rows[k, i, 0], rows[k, i, 1]):
                        for x in range(columns[k, j, 0], columns[k, j, 1]):
                            if plane[y, x] > best:
                                best = plane[y, x]
                    pooled[k, c, i, j] = np.float32(0) if best == least else best
