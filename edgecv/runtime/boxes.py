"""Candidates of any detector become its detections, in pixels of the picture."""

from __future__ import annotations

from edgecv.head.boxes import BoxHead, OneStageHead
from edgecv.ops._candidates import Candidates
from edgecv.ops.suppression import Suppression, suppression
from edgecv.results import Detections
from edgecv.runtime.preprocess import Geometry


def rule_of(head: BoxHead) -> Suppression:
    """How the head's candidates are thinned."""
    rule = Suppression(head.iou, head.max_detections, head.class_agnostic)
    if isinstance(head, OneStageHead) and head.soft_nms != "none":
        return rule._replace(soft=head.soft_nms, sigma=head.sigma, floor=head.score)
    return rule


def detections(head: BoxHead, found: Candidates, geometry: Geometry) -> Detections:
    """Suppress, and map the boxes to the picture; what no capacity held is the overflow."""
    kept = suppression(found, rule_of(head))
    return Detections(
        geometry.to_image(kept.boxes),
        kept.scores,
        kept.ids,
        head.names,
        geometry.image_size,
        kept.total - len(found.boxes),
        found.nan,
    )
