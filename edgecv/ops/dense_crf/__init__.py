"""Fully connected CRF: mean field with Gaussian edge potentials, filtered on lattices.

What every twin computes, bit for bit (float32, each step rounded, nothing fused):

1. Logits are shifted so that a pixel's largest is 0; NaN counts as the lowest.
2. Two lattices (`lattice.py`): position / `spatial_sigma` in 2-D, and position /
   `bilateral_sigma` with colour / `color_sigma` in 5-D. A pixel has d + 1 vertices and
   barycentric weights there; they are multiplied by 1 / sqrt(lattice filter of ones), as
   pydensecrf's NORMALIZE_SYMMETRIC, and so is what is read back.
3. Q = softmax(logits). Then, `iterations` times: splat Q onto both lattices (contributions in the
   order of the pixels), blur along each axis (v + 0.5 (v+ + v-)), slice, and
   Q = softmax(logits + spatial_weight * spatial + bilateral_weight * bilateral); a
   `compatibility` matrix mu turns the sum m of both messages into -mu m first.
4. softmax: the maximum is subtracted; exp is the polynomial of `arithmetic.py`; the sum runs in
   eight interleaved lanes, then (0+4)+(2+6) + (1+5)+(3+7).

Sources: Krähenbühl & Koltun, arXiv:1210.5644, algorithm 1; Adams et al., "Fast High-Dimensional
Filtering Using the Permutohedral Lattice", 2010, section 3. Defaults: the example of pydensecrf.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._mean_field import check_kernels, check_pair, check_size
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("dense_crf", atol=0.0, share=0.0)


@dataclass(frozen=True)
class DenseCrf:
    """Parameters; sigmas in pixels of the picture, colour sigma in 0..255 units.

    Attributes:
        spatial_sigma: Of the smoothness kernel exp(-|p - p'|^2 / 2 sigma^2).
        spatial_weight: Its weight; 0 leaves the kernel out.
        bilateral_sigma: Position part of the appearance kernel.
        color_sigma: Colour part of the appearance kernel.
        bilateral_weight: Its weight; 0 leaves the kernel out.
        iterations: Mean-field updates.
        compatibility: None for Potts; else L rows of L penalties mu(l, l'), symmetric, which
            both weights multiply (Potts is minus the identity, up to a constant).
    """

    spatial_sigma: float = 3.0
    spatial_weight: float = 3.0
    bilateral_sigma: float = 80.0
    color_sigma: float = 13.0
    bilateral_weight: float = 10.0
    iterations: int = 5
    compatibility: tuple[tuple[float, ...], ...] | None = field(default=None)

    def matrix(self, labels: int) -> Array | None:
        """(L, L) float32 penalties, or None for Potts.

        Raises:
            ShapeError: not L x L, not symmetric, or not finite.
        """
        if self.compatibility is None:
            return None
        try:
            matrix = np.array(self.compatibility, np.float32)
        except ValueError as err:
            raise ShapeError("compatibility must be a square table of numbers") from err
        if matrix.shape != (labels, labels):
            raise ShapeError(f"compatibility must be {labels} x {labels}", got=str(matrix.shape))
        if not np.isfinite(matrix).all() or not np.array_equal(matrix, matrix.T):
            raise ShapeError("compatibility must be finite and symmetric")
        return matrix


def check(labels: int, size: tuple[int, int], crf: DenseCrf) -> None:
    """Refuse what no twin computes: too many labels, an empty picture, senseless parameters.

    Raises:
        ShapeError: with the rule that is broken.
    """
    check_size(OP.name, labels, size)
    sigmas = (crf.spatial_sigma, crf.bilateral_sigma, crf.color_sigma)
    weights = (crf.spatial_weight, crf.bilateral_weight)
    check_kernels(OP.name, sigmas, weights, crf.iterations)
    crf.matrix(labels)


def dense_crf(
    logits: Array, image: Array, crf: DenseCrf, *, labels: bool = False, provider: str = "cpu"
) -> Array:
    """Refine per-pixel label scores by what the picture's colours say.

    Args:
        logits: (L, H, W) float32 scores, log-probabilities up to a constant per pixel (pydensecrf's
            unary energy is their negative). NaN counts as the lowest score.
        image: (H, W, 3) uint8, any order of the colours.
        crf: Parameters.
        labels: Return the most probable labels instead of the distribution.
        provider: "cpu". The twins agree to `OP.atol`.

    Returns:
        (L, H, W) float32 Q, which sums to 1 over the labels; or (H, W) uint8 labels, of equal
        probabilities the lowest.

    Raises:
        ShapeError: wrong shapes or dtypes, senseless parameters, or a picture so large for its
            sigmas that lattice coordinates do not fit in 62 bits.
    """
    check_pair(logits, image)
    check(logits.shape[0], (logits.shape[1], logits.shape[2]), crf)
    refined: Array = OP.on(provider)(logits, image, crf, labels)
    return refined
