"""Region proposals: an RPN's raw maps become boxes worth a second look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._candidates import Candidates
from edgecv.ops._op import Op

Array = npt.NDArray[Any]

# expf of another library moves an edge by an ulp; a box at NMS's limit may then fall otherwise
OP = Op("proposals", atol=1e-3, share=0.01, providers=("cpu",))


class Anchors(NamedTuple):
    """Reference boxes round each cell of each level.

    Attributes:
        sizes: Square root of an anchor's area, in input pixels, one per level.
        ratios: Height / width of the anchors of a cell.
        rounded: Whether corners are rounded to whole pixels (half to even), as torchvision does.
    """

    sizes: tuple[float, ...] = (32.0, 64.0, 128.0, 256.0, 512.0)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rounded: bool = True

    def of_level(self, level: int) -> Array:
        """(A, 4) float32 xyxy of one level's anchors, relative to the cell's corner."""
        high = np.sqrt(np.array(self.ratios, np.float32))
        high, wide = high * np.float32(self.sizes[level]), self.sizes[level] / high
        base = np.stack([-wide, -high, wide, high], axis=1).astype(np.float32) / np.float32(2)
        return np.round(base) if self.rounded else base


class ProposalRule(NamedTuple):
    """How proposals are chosen.

    Attributes:
        anchors: Reference boxes.
        before: Of each level the best so many are decoded.
        limit: At most this many are left in the end.
        iou: Of two boxes of one level that overlap more than this, the worse is dropped.
        smallest: Boxes narrower or lower than this many pixels are dropped.
    """

    anchors: Anchors = Anchors()
    before: int = 1000
    limit: int = 1000
    iou: float = 0.7
    smallest: float = 1e-3


def proposals(
    objectness: Sequence[Array],
    deltas: Sequence[Array],
    frame: tuple[tuple[int, int], Array],
    rule: ProposalRule,
    *,
    provider: str = "cpu",
) -> Candidates:
    """The best boxes of all levels together, best first.

    Of each level the `before` best anchors (ties: lower index of its map) are moved by their
    deltas, clipped to the picture's area and dropped if too small; what overlaps a better box of
    its own level is dropped too; the `limit` best are left. The anchor of cell (y, x) lies at
    (x, y) times the level's stride, which is the input's size over the map's, rounded down (as
    torchvision; its P6 of an 800 pixel input has stride 61).

    Args:
        objectness: One (A, h, w) float32 map of logits per level. NaN is chosen last.
        deltas: One (4 A, h, w) float32 map per level: dx, dy, dw, dh of each anchor in turn.
        frame: (height, width) of the network's input, and (4,) float32 xyxy: the picture in it.
        rule: Anchors and limits.
        provider: "cpu".

    Returns:
        Boxes in input pixels, probabilities, and the level of each as its id.

    Raises:
        ShapeError: maps that do not belong together.

    Source: Ren et al., "Faster R-CNN", arXiv:1506.01497, section 3.1; Lin et al.,
    arXiv:1612.03144, section 4.1 for the levels.
    """
    a = len(rule.anchors.ratios)
    if not len(objectness) == len(deltas) == len(rule.anchors.sizes):
        raise ShapeError(
            "proposals need objectness and deltas of each level",
            got=f"{len(objectness)} and {len(deltas)}",
            levels=len(rule.anchors.sizes),
        )
    for scores, moves in zip(objectness, deltas, strict=True):
        fits = scores.ndim == 3 and len(scores) == a and moves.shape == (4 * a, *scores.shape[1:])
        if not fits or scores.dtype != np.float32 or moves.dtype != np.float32:
            raise ShapeError(
                f"a level needs ({a}, h, w) objectness and ({4 * a}, h, w) deltas, float32",
                got=f"{scores.shape} {scores.dtype} and {moves.shape} {moves.dtype}",
            )
    found: Candidates = OP.on(provider)(objectness, deltas, frame, rule)
    return found
