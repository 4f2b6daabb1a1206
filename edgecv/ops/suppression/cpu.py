"""CPU twin of suppression."""

from __future__ import annotations

import numpy as np

from edgecv.ops._candidates import Candidates
from edgecv.ops.nms import nms
from edgecv.ops.soft_nms import soft_nms
from edgecv.ops.suppression import Suppression


def suppression(found: Candidates, rule: Suppression) -> Candidates:
    """See `edgecv.ops.suppression`."""
    ids = np.zeros_like(found.ids) if rule.class_agnostic else found.ids
    decay = rule.decay(rule.limit)
    if decay:
        keep, scores, overflow = soft_nms(found.boxes, found.scores, ids, decay)
        total = found.total + overflow
        return Candidates(found.boxes[keep], scores, found.ids[keep], total, found.nan)
    kept = nms(found.boxes, ids, rule.iou, rule.limit)
    return found._replace(boxes=found.boxes[kept], scores=found.scores[kept], ids=found.ids[kept])
