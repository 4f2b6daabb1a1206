"""From candidates to detections: non-maximum suppression as a detector's head asks for it.

Hard suppression is `edgecv.ops.nms`; soft suppression, `edgecv.ops.soft_nms`, lowers the scores of
overlapping boxes instead. The CUDA twin gathers the kept boxes into arrays of fixed capacity.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op
from edgecv.ops.soft_nms import Decay

OP = Op("suppression", atol=0.0, share=0.0)


class Suppression(NamedTuple):
    """How overlapping boxes are thinned.

    Attributes:
        iou: Of two boxes that overlap more than this, the worse is dropped.
        limit: At most this many are kept, the best first.
        class_agnostic: Boxes of different classes suppress each other too.
        soft: Lower the scores of overlapping boxes, from `iou` on linearly or by a gaussian,
            instead of dropping them.
        sigma: Width of the gaussian.
        floor: Boxes whose lowered score falls below are dropped (soft only).
    """

    iou: float = 0.45
    limit: int = 300
    class_agnostic: bool = False
    soft: Literal["none", "linear", "gaussian"] = "none"
    sigma: float = 0.5
    floor: float = 0.0

    def decay(self, limit: int) -> Decay | None:
        """How scores fall, for `limit` results; None for hard suppression."""
        if self.soft == "none":
            return None
        return Decay(self.soft, self.iou, self.sigma, self.floor, limit)


def suppression(found: Candidates, rule: Suppression, *, provider: str = "cpu") -> Candidates:
    """The candidates that stay, best first.

    `total` and `nan` are passed on; soft suppression adds to `total` the boxes that never competed
    because their class was full.

    Args:
        found: Best first.
        rule: What overlaps too much.
        provider: "cpu".
    """
    kept: Candidates = OP.on(provider)(found, rule)
    return kept
