"""From candidates to detections: non-maximum suppression as a detector's head asks for it.

Hard suppression is `edgecv.ops.nms`, soft suppression lowers the scores of overlapping boxes
instead. The CUDA twin gathers the kept boxes into arrays of fixed capacity.
"""

from __future__ import annotations

from typing import NamedTuple

from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op

OP = Op("suppression", atol=0.0, share=0.0)


class Suppression(NamedTuple):
    """How overlapping boxes are thinned.

    Attributes:
        iou: Of two boxes that overlap more than this, the worse is dropped.
        limit: At most this many are kept, the best first.
        class_agnostic: Boxes of different classes suppress each other too.
    """

    iou: float = 0.45
    limit: int = 300
    class_agnostic: bool = False


def suppression(found: Candidates, rule: Suppression, *, provider: str = "cpu") -> Candidates:
    """The candidates that stay, best first; `total` and `nan` are passed on.

    Args:
        found: Best first.
        rule: What overlaps too much.
        provider: "cpu".
    """
    kept: Candidates = OP.on(provider)(found, rule)
    return kept
