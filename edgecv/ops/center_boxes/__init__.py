"""Boxes of CenterNet: a box at each of the highest peaks of the heatmaps.

What every twin must compute, in float32: the k highest peaks (edgecv.ops.peaks) that reach the
score; at a peak's cell (x, y) the centre ((x, y) + offset) * stride and the sides size * stride
(size itself where it is in pixels); the corners centre - side / 2 and centre + side / 2. Logits are
compared with the logit of the score, so that only the chosen need a sigmoid.

Source: Zhou et al., "Objects as Points", arXiv:1904.07850, section 4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

# indices and boxes are equal; two float32 libms differ by ulps in the sigmoid's exp
OP = Op("center_boxes", atol=1e-6, share=1.0)


class CenterMaps(NamedTuple):
    """The three tensors of an image, or of a batch on the device.

    Attributes:
        heatmap: (C, h, w) logits or probabilities.
        size: (2, h, w) widths and heights.
        offset: (2, h, w) x and y of a centre inside its cell.
    """

    heatmap: Any
    size: Any
    offset: Any


class CenterLayout(NamedTuple):
    """How the maps are to be read.

    Attributes:
        stride: Input pixels per cell.
        logits: The heatmap holds logits, not probabilities.
        pixels: `size` is in input pixels, not in cells.
    """

    stride: int = 4
    logits: bool = True
    pixels: bool = False

    @property
    def size_scale(self) -> int:
        """Input pixels per unit of `size`."""
        return 1 if self.pixels else self.stride


def center_boxes(
    maps: CenterMaps, layout: CenterLayout, score: float, k: int, *, provider: str = "cpu"
) -> Candidates:
    """The k best boxes of one image; they need no suppression.

    Args:
        maps: float32 arrays.
        layout: How to read them.
        score: Probability in 0..1 that a peak must reach.
        k: At most this many.
        provider: "cpu".

    Returns:
        Boxes in input pixels, best first; `total` counts all peaks.

    Raises:
        ShapeError: the maps do not fit each other.
    """
    grid = maps.heatmap.shape[1:]
    for name, sides in (("size", maps.size), ("offset", maps.offset)):
        if sides.shape != (2, *grid) or sides.dtype != np.float32:
            raise ShapeError(
                f"{name} must be (2, {', '.join(map(str, grid))}) float32, as the heatmap",
                got=f"{sides.shape} {sides.dtype}",
            )
    found: Candidates = OP.on(provider)(maps, layout, score, k)
    return found
