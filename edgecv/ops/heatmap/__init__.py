"""One joint per map: the highest cell, moved by part of a cell towards where the true peak is.

Coordinates are cell indices: 0.0 is the centre of the first cell, so a joint lies anywhere in
-0.5 .. width - 0.5. How cells lie on the network's input is the head's `align`.

What every twin must compute:

1. The highest cell of each map; of equal cells the lower index. NaN counts as -inf; a map without
   any number gives cell (0, 0) with score -inf. The score is that cell's value, unrefined.
2. `quarter`: 0.25 cells towards the larger of the two neighbours, along x and y; equal or NaN
   neighbours do not move it. Only where 1 < x < width - 1 and 1 < y < height - 1, the condition of
   the published code (Newell et al., arXiv:1603.06937, section 3.3, and SimpleBaseline,
   arXiv:1804.06208, decode what they train with it).
3. `taylor`: DARK (Zhang et al., arXiv:1910.06278, section 3.2): blur the map, take the logarithm,
   step to the maximum of its second-order Taylor expansion at the highest cell. Gradient by
   differences over 2 cells, second derivatives over 4, as in the authors' code; only where
   1 < x < width - 2 and 1 < y < height - 2. All in float64: it is a few hundred operations a
   joint, and twins then agree.

Where `taylor` differs from the authors' code: only the window round the peak is blurred (the step
looks at nothing else); the rescaling to the old maximum is left out (a factor is a constant after
the logarithm; only the clamp at 1e-10 could see it); and the step is taken only to a maximum
(negative definite second derivatives) within 2 cells, the reach of the differences: elsewhere the
joint stays in its cell, where theirs may fly out of the picture.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError, UsageError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]
Refine = Literal["none", "quarter", "taylor"]

# float64 logarithms may differ in the last bit between libraries: 1e-4 cells is far above that
OP = Op("heatmap", atol=1e-4, share=0.02)

MAX_KERNEL = 31  # the CUDA twin's window lies in shared memory
FLOOR = 1e-10  # of the blurred map, before the logarithm


def heatmap(
    maps: Array, refine: Refine = "quarter", kernel: int = 0, *, provider: str = "cpu"
) -> Array:
    """The joint of each map.

    Args:
        maps: (J, h, w) float32 or float16; a batch is flattened into J.
        refine: How the highest cell is refined.
        kernel: Side of the Gaussian blur before `taylor`, odd; 0 or 1: none. DARK uses the width
            of the training targets: 11 for maps of 64 x 48, 17 for 96 x 72.
        provider: "cpu".

    Returns:
        (J, 3) float32: x and y in cells, score in the maps' unit.

    Raises:
        ShapeError: `maps` is not (J, h, w) with at least one cell.
        UsageError: an unknown refinement, or a kernel that is even or too large.
    """
    if maps.ndim != 3 or maps.dtype not in (np.float32, np.float16) or 0 in maps.shape[1:]:
        raise ShapeError(
            "maps must be (J, h, w) float32 or float16", got=f"{maps.shape} {maps.dtype}"
        )
    check_refinement(refine, kernel)
    found: Array = OP.on(provider)(maps, refine, kernel)
    return found


def check_refinement(refine: str, kernel: int) -> None:
    """Refuse a refinement or blur that no twin knows: UsageError."""
    if refine not in get_args(Refine):
        raise UsageError(f"refine: {refine!r} is not one of {', '.join(get_args(Refine))}")
    if not 0 <= kernel <= MAX_KERNEL or (kernel and kernel % 2 == 0):
        raise UsageError(f"kernel must be odd and at most {MAX_KERNEL}, or 0", got=kernel)


def blur_taps(kernel: int) -> Array:
    """(kernel,) float64 weights of the Gaussian blur, or (1,) for none.

    Sigma from the side as OpenCV's GaussianBlur takes it when none is given; at sides up to 9
    OpenCV uses rounded tables instead, which differ by less than 0.03.
    """
    if kernel <= 1:
        return np.ones(1)
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    weights = np.exp(-((np.arange(kernel) - kernel // 2) ** 2) / (2 * sigma**2))
    taps: Array = weights / weights.sum()
    return taps
