"""Boxes of dense predictions: a box and class scores per point (YOLOv5, YOLOv8 and later).

What every twin must compute:

1. Score of (point, class): the class probability; with objectness the float32 product of both.
   Logits are compared with the logit of the score, so that only survivors need a sigmoid. With
   objectness a point whose own probability is below `score` is passed over, since a class
   probability is at most 1.
2. Survivors are scores >= `score`. NaN survives nothing. Single-label: a point's best class only,
   of equal ones the lower.
3. The k best, best first; ties by the lower place: class by class for `channels_first` where scores
   lie together (multi-label, no objectness), else point by point.
4. Their boxes as xyxy; a half size is size * 0.5.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

# two float32 libms differ by ulps in exp: a score at the threshold may fall on its other side
OP = Op("dense_boxes", atol=1e-6, share=0.001)


class DenseLayout(NamedTuple):
    """How a table of predictions is to be read.

    Attributes:
        channels_last: (A, 4 + C) instead of (4 + C, A).
        xyxy: Boxes are corners, not centre, width and height.
        logits: Scores are logits, not probabilities.
        objectness: A fifth value before the classes says whether there is an object at all.
        multi_label: Every class of a point that reaches the score counts, not only the best.
    """

    channels_last: bool = False
    xyxy: bool = False
    logits: bool = False
    objectness: bool = False
    multi_label: bool = True

    @property
    def first(self) -> int:
        """Values of a point before its classes."""
        return 5 if self.objectness else 4


def dense_boxes(
    table: Array, layout: DenseLayout, score: float, k: int, *, provider: str = "cpu"
) -> Candidates:
    """The k best boxes of one image's predictions, before suppression.

    Args:
        table: (4 + C, A) or (A, 4 + C) float32, C >= 1; 5 + C with objectness. Boxes in pixels
            of the network's input.
        layout: What its values are.
        score: Probability in 0..1 that a box must reach.
        k: At most this many.
        provider: "cpu".

    Raises:
        ShapeError: `table` is no such array.
    """
    side = 1 if layout.channels_last else 0
    if table.ndim != 2 or table.dtype != np.float32 or table.shape[side] <= layout.first:
        raise ShapeError(
            f"a table of predictions needs {layout.first} values and at least one class per point",
            got=f"{table.shape} {table.dtype}",
            layout="(A, values)" if layout.channels_last else "(values, A)",
        )
    found: Candidates = OP.on(provider)(table, layout, score, k)
    return found
