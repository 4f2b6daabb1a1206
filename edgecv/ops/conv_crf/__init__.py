"""Convolutional CRF: mean field whose messages come from a window around each pixel.

What every twin computes, bit for bit (float32, each step rounded, nothing fused):

1. Logits are shifted so that a pixel's largest is 0. (The reference takes log-softmax: a constant
   per pixel, which no softmax after it sees.)
2. Cells are averages over blur x blur pixels, the first window `pad` pixels outside; of the
   features x, y / spatial_sigma and colours / color_sigma too. A cell hears each cell of the
   window around it, itself among them, with the weight
   spatial_weight exp(-|dp|^2 / 2) + color_weight exp(-|dc|^2 / 2), summed row by row.
3. `iterations` times: x = (1 - rate) logits + rate * messages, the messages enlarged bilinearly
   (rows first); Q = softmax(x), as in `ops.dense_crf`. The first messages are about the logits
   themselves, as in the reference's code.

Source: Teichmann & Cipolla, arXiv:1805.04777; defaults of its code (github.com/MarvinTeichmann/
ConvCRF: filter 11, blur 4, merged kernels, no normalisation), whose labels these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._mean_field import check_kernels, check_pair, check_size
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("conv_crf", atol=0.0, share=0.0)

MAX_FILTER = 19  # what a tile of the CUDA twin and its border leave room for in shared memory


@dataclass(frozen=True)
class ConvCrf:
    """Parameters; `spatial_sigma` in pixels, `color_sigma` in 0..255 units.

    Attributes:
        filter_size: Side of the window in cells, odd.
        blur: Side of a cell in pixels: 1 or even.
        spatial_sigma: Of the position kernel.
        spatial_weight: Its weight.
        color_sigma: Of the colour kernel.
        color_weight: Its weight.
        rate: How much of a step the messages are; the rest is the logits.
        iterations: Mean-field updates.
    """

    filter_size: int = 11
    blur: int = 4
    spatial_sigma: float = 3.0
    spatial_weight: float = 3.0
    color_sigma: float = 13.0
    color_weight: float = 10.0
    rate: float = 0.2
    iterations: int = 5


class Cells(NamedTuple):
    """The coarse grid: (height, width) cells, and how far the first ones reach outside."""

    height: int
    width: int
    top: int
    left: int


def cells_of(size: tuple[int, int], blur: int) -> Cells:
    """The cells of a picture of `size` = height, width."""
    height, width = (-(-side // blur) for side in size)
    top, left = (-(-((-side) % blur) // 2) for side in size)
    return Cells(height, width, top, left)


def check(labels: int, size: tuple[int, int], crf: ConvCrf) -> None:
    """Refuse what no twin computes.

    Raises:
        ShapeError: with the rule that is broken.
    """
    check_size(OP.name, labels, size)
    if not (crf.filter_size % 2 and 1 <= crf.filter_size <= MAX_FILTER):
        raise ShapeError(f"conv_crf: filter_size must be odd, 1..{MAX_FILTER}", got=crf.filter_size)
    if not (crf.blur == 1 or (crf.blur % 2 == 0 and 2 <= crf.blur <= 64)):
        raise ShapeError("conv_crf: blur must be 1, or even and at most 64", got=crf.blur)
    sigmas = (crf.spatial_sigma, crf.color_sigma)
    weights = (crf.spatial_weight, crf.color_weight)
    check_kernels(OP.name, sigmas, weights, crf.iterations)
    if not 0 <= crf.rate <= 1:
        raise ShapeError("conv_crf: rate must be in 0..1", got=crf.rate)


def conv_crf(
    logits: Array, image: Array, crf: ConvCrf, *, labels: bool = False, provider: str = "cpu"
) -> Array:
    """Refine per-pixel label scores by what the colours nearby say.

    Args:
        logits: (L, H, W) float32 scores; NaN counts as the lowest.
        image: (H, W, 3) uint8, any order of the colours.
        crf: Parameters.
        labels: Return the most probable labels instead of the distribution.
        provider: "cpu". The twins agree to `OP.atol`.

    Returns:
        (L, H, W) float32 Q; or (H, W) uint8 labels, of equal probabilities the lowest.

    Raises:
        ShapeError: wrong shapes or dtypes, or senseless parameters.
    """
    check_pair(logits, image)
    check(logits.shape[0], (logits.shape[1], logits.shape[2]), crf)
    refined: Array = OP.on(provider)(logits, image, crf, labels)
    return refined


def enlarge_table(side: int, cells: int, pad: int, blur: int) -> tuple[Array, Array]:
    """Where each of `side` pixels lies between cells.

    Returns:
        (side, 2) int32 cell before and after, (side,) float32 how far it is to the second.
    """
    at = np.maximum((np.arange(side) + pad + 0.5) / blur - 0.5, 0)
    first = np.minimum(at.astype(np.int32), cells - 1)
    pair = np.stack([first, np.minimum(first + 1, cells - 1)], 1).astype(np.int32)
    return pair, (at - first).astype(np.float32)
