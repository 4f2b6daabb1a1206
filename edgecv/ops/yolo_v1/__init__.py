"""Boxes of YOLO v1's grid: S x S cells, each with B boxes and one set of class probabilities.

What every twin must compute, for box b of cell (cx, cy) in an input of width W and height H:

1. Score of (box, class): confidence * conditional class probability, float32.
2. Survivors are scores >= the score; single-label: a box's best class only, of equal ones the
   lower. NaN survives nothing.
3. The k best; ties by row, column, box, class.
4. Box: x = (cx + tx) / S * W; width = tw * W, or tw^2 * W where the network predicts square roots;
   likewise y and height.

Source: Redmon et al., "You Only Look Once", arXiv:1506.02640, section 2
(the tensor S x S x (B * 5 + C), confidence times conditional probability, square roots of sizes).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

OP = Op("yolo_v1", atol=0.0, share=0.0)


class YoloGrid(NamedTuple):
    """How the values of a grid are to be read.

    Attributes:
        side: S, cells in a row and in a column.
        boxes: B, boxes of a cell.
        size: (height, width) of the network's input in pixels.
        square: The network predicts square roots of widths and heights.
        darknet: All classes, then all confidences, then all boxes; else cell by cell the B boxes
            (x, y, w, h, confidence), then the classes.
        multi_label: Every class of a box that reaches the score counts, not only the best.
    """

    side: int = 7
    boxes: int = 2
    size: tuple[int, int] = (448, 448)
    square: bool = True
    darknet: bool = False
    multi_label: bool = True

    def classes(self, values: int) -> int:
        """Classes that `values` numbers of one image hold.

        Raises:
            ShapeError: they are no grid of this side and so many boxes, or hold no class.
        """
        each, rest = divmod(values, self.side**2)
        if rest or each <= 5 * self.boxes:
            raise ShapeError(
                f"a grid of {self.side} x {self.side} cells with {self.boxes} boxes needs "
                f"{self.side**2} * ({5 * self.boxes} + classes) values",
                got=values,
            )
        return each - 5 * self.boxes


def yolo_v1(
    values: Array, grid: YoloGrid, score: float, k: int, *, provider: str = "cpu"
) -> Candidates:
    """The k best boxes of one image's grid, before suppression.

    Args:
        values: (S * S * (B * 5 + C),) float32, in the order `grid` says.
        grid: What they are.
        score: Probability in 0..1 that a box must reach.
        k: At most this many.
        provider: "cpu".

    Raises:
        ShapeError: `values` is no such grid.
    """
    if values.ndim != 1 or values.dtype != np.float32:
        raise ShapeError("values must be flat float32", got=f"{values.shape} {values.dtype}")
    grid.classes(len(values))
    found: Candidates = OP.on(provider)(values, grid, score, k)
    return found
