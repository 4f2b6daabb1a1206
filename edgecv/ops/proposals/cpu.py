"""CPU twin of proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates
from edgecv.ops._deltas import apply_deltas, clip_boxes, large_enough
from edgecv.ops.nms.cpu import nms
from edgecv.ops.proposals import ProposalRule
from edgecv.ops.topk.cpu import topk

Array = npt.NDArray[Any]


def proposals(
    objectness: Sequence[Array],
    deltas: Sequence[Array],
    frame: tuple[tuple[int, int], Array],
    rule: ProposalRule,
) -> Candidates:
    """See `edgecv.ops.proposals`; the arguments are checked there."""
    size, area = frame
    boxes, scores, levels = [], [], []
    for level, (logits, moves) in enumerate(zip(objectness, deltas, strict=True)):
        best = topk(np.ascontiguousarray(logits).reshape(-1), rule.before)
        moved = clip_boxes(_decoded(rule, level, moves, best, size), area)
        kept = large_enough(moved, rule.smallest)
        boxes.append(moved[kept])
        scores.append(logits.reshape(-1)[best[kept]])
        levels.append(np.full(int(kept.sum()), level))
    logits = np.concatenate(scores)
    order = topk(logits, len(logits))
    ids = np.concatenate(levels)[order].astype(np.int64)
    sorted_boxes = np.ascontiguousarray(np.concatenate(boxes)[order])
    kept = nms(sorted_boxes, ids, rule.iou, rule.limit)
    with np.errstate(over="ignore"):
        chosen = np.float32(1) / (np.float32(1) + np.exp(-logits[order[kept]]))
    return Candidates(sorted_boxes[kept], chosen, ids[kept], len(kept))


def _decoded(
    rule: ProposalRule, level: int, moves: Array, index: Array, size: tuple[int, int]
) -> Array:
    """(K, 4) boxes of the anchors at flat indices of one level's (A, h, w) map."""
    height, width = moves.shape[1:]
    anchor, cell = np.divmod(index, height * width)
    row, column = np.divmod(cell, width)
    stride = np.array([size[1] // width, size[0] // height] * 2)
    corner = np.stack([column, row, column, row], axis=1) * stride
    reference = rule.anchors.of_level(level)[anchor] + corner.astype(np.float32)
    own = moves.reshape(-1, 4, height * width)[anchor, :, cell]
    return apply_deltas(own, reference, (1, 1, 1, 1))
