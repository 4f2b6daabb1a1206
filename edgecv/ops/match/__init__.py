"""Which descriptors of two pictures belong together: mutual nearest neighbours.

What every twin must compute:

1. Distance of a and b: sqrt(max(0, |a|^2 + |b|^2 - 2 a.b)), float32: the Euclidean one; of unit
   vectors sqrt(2 - 2 cos). A pair whose distance is NaN does not exist.
2. Each row of `first` has its nearest of `second`, each of `second` its nearest of `first`; of
   equal distances the lower index. A pair matches if each is the other's nearest.
3. `ratio` (Lowe, "Distinctive image features from scale-invariant keypoints", section 7.1): the
   nearest must be nearer than `ratio` times the second nearest of `second`. Two equal neighbours
   are ambiguous: no match, even at distance 0. One alone has no rival: it passes.
4. `farthest`: a pair farther apart is no match.

Distances are sums in any order: twins differ in the last bits, so a pair may come or go where two
distances are that close. On each machine the result is the same every time.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError, UsageError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("match", atol=1e-3, share=1.0)  # the root of a difference of sums: bad only close to 0

DEEPEST = 4096  # channels: float32 sums stay good


class Limits(NamedTuple):
    """What a pair must pass besides being each other's nearest.

    Attributes:
        ratio: Nearest / second nearest must be below; None: any.
        farthest: Largest distance; None: any. Unit vectors are at most 2 apart.
    """

    ratio: float | None = None
    farthest: float | None = None

    def squares(self) -> tuple[float, float]:
        """Both limits squared, infinity for none; UsageError if one has no meaning."""
        if self.ratio is not None and not 0 < self.ratio <= 1:
            raise UsageError("ratio must be above 0 and at most 1", got=self.ratio)
        if self.farthest is not None and not self.farthest >= 0:
            raise UsageError("farthest must be at least 0", got=self.farthest)
        given = (self.ratio, self.farthest)
        ratio, farthest = (math.inf if v is None else v * v for v in given)
        return ratio, farthest


NO_LIMITS = Limits()


def match(
    first: Array, second: Array, limits: Limits = NO_LIMITS, *, provider: str = "cpu"
) -> tuple[Array, Array]:
    """Pairs of rows that belong together, by rising row of `first`.

    Args:
        first: (N, D) float32 or float16 descriptors of one picture.
        second: (M, D) of the other, of the same type.
        limits: What a pair must pass.
        provider: "cpu".

    Returns:
        (K, 2) int64 rows of `first` and `second`, and (K,) float32 their distances.

    Raises:
        ShapeError: an array has another shape or type.
        UsageError: a limit has no meaning.

    0 and 2 are both nearest to 1.5, which prefers 2; 9 is nearest to 5, which is nearer to 2:

    >>> a, b = np.float32([[0], [2], [9]]), np.float32([[1.5], [5]])
    >>> pairs, distances = match(a, b)
    >>> pairs.tolist(), distances.tolist()
    ([[1, 0]], [0.5])
    """
    fits = first.ndim == second.ndim == 2 and first.shape[1] == second.shape[1]
    if not fits or first.dtype != second.dtype or first.dtype not in (np.float32, np.float16):
        raise ShapeError(
            "descriptors must be (N, D) and (M, D), both float32 or both float16",
            got=f"{first.shape} {first.dtype} and {second.shape} {second.dtype}",
        )
    check_depth(first.shape[1])
    squares = limits.squares()
    if 0 in (*first.shape, *second.shape):
        return np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    found: tuple[Array, Array] = OP.on(provider)(first, second, squares)
    return found


def check_depth(depth: int) -> None:
    """Refuse descriptors of too many channels: ShapeError."""
    if depth > DEEPEST:
        raise ShapeError(f"descriptors have at most {DEEPEST} channels", got=depth)
