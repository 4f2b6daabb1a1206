"""R-CNN with a feature pyramid: proposals, pooled features, the box part, suppression.

As torchvision's Faster R-CNN, but for: scores at the threshold count (>=), proposals are clipped
to the picture inside the padded input, and anchors of equal score are taken in the order of the
map, anchor by anchor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import TwoStageHead, TwoStageMasksHead
from edgecv.ops._candidates import Candidates
from edgecv.ops.proposals import Anchors, ProposalRule, proposals
from edgecv.ops.roi_align import RoiGrid, roi_align
from edgecv.ops.roi_boxes import BoxRule, roi_boxes
from edgecv.ops.suppression import suppression
from edgecv.results import Detections, Results
from edgecv.runtime.boxes import rule_of
from edgecv.runtime.heads import role
from edgecv.runtime.parts import Part
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]
TwoStage = TwoStageHead | TwoStageMasksHead


def decode(
    head: TwoStageHead,
    outputs: Mapping[str, Array],
    geometries: Sequence[Geometry],
    parts: Mapping[str, Part] | None = None,
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`. Without parts: the proposals, all of class 0."""
    found: list[Results] = []
    for index, geometry in enumerate(geometries):
        first, maps = first_stage(head, outputs, index, geometry)
        kept = second_stage(head, first, maps, geometry, parts) if parts else one_class(first)
        found.append(detections(head, kept, geometry))
    return found


def first_stage(
    head: TwoStage, outputs: Mapping[str, Array], index: int, geometry: Geometry
) -> tuple[Candidates, list[Array]]:
    """The proposals of one image of the batch, and the maps they are pooled from.

    Args:
        head: Names the outputs: objectness2… (N, A, h, w), deltas2… (N, 4 A, h, w), features2….
        outputs: The first engine's.
        index: Which image.
        geometry: Where it lies in the network's input.

    Returns:
        Proposals in input pixels, best first; (C, h, w) float32 maps, the finest first.
    """
    maps = features(head, outputs, index)
    levels = range(2, 2 + len(head.anchors))
    a = len(head.ratios)
    scores = [role(head, outputs, f"objectness{i}", (a, None, None)) for i in levels]
    deltas = [
        role(head, outputs, f"deltas{i}", (4 * a, *scores[n].shape[2:]))
        for n, i in enumerate(levels)
    ]
    frame = geometry.input_size, area(geometry)
    one = [each[index] for each in scores], [each[index] for each in deltas]
    return proposals(*one, frame, proposal_rule(head)), maps


def second_stage(
    head: TwoStage,
    first: Candidates,
    maps: list[Array],
    geometry: Geometry,
    parts: Mapping[str, Part],
) -> Candidates:
    """The box part's opinion of the proposals, after suppression.

    Args:
        head: How boxes are pooled, decoded and suppressed.
        first: Proposals in input pixels.
        maps: What they are pooled from, (C, h, w) float32 each.
        geometry: Boxes are clipped to where the picture lies.
        parts: With "box", which gives logits and deltas of pooled boxes.

    Returns:
        Boxes in input pixels, best first; `total` counts those no capacity held.
    """
    part, frame = parts["box"], area(geometry)
    raw = part(roi_align(maps, first.boxes, grid(head, head.box_size)))
    logits, deltas = part.output(raw, "logits"), part.output(raw, "deltas")
    found = roi_boxes(logits, deltas, first.boxes, frame, box_rule(head))
    kept = suppression(found, rule_of(head))
    return kept._replace(total=len(kept.boxes) + found.total - len(found.boxes))


def features(head: TwoStage, outputs: Mapping[str, Array], index: int) -> list[Array]:
    """The (C, h, w) float32 maps boxes are pooled from, of one image, the finest first.

    Raises:
        FileError, ShapeError: an output is missing, or has another number of channels.
    """
    names = [f"features{i}" for i in range(2, 2 + len(head.strides))]
    maps = [role(head, outputs, name, (None, None, None))[index] for name in names]
    if len({len(each) for each in maps}) != 1:
        raise ShapeError(
            f"head {head.kind}: features must have the same channels at every level",
            got=", ".join(str(each.shape) for each in maps),
        )
    return maps


def grid(head: TwoStage, bins: int) -> RoiGrid:
    """How boxes are pooled for a part that takes `bins` x `bins` cells."""
    scales = tuple(1 / stride for stride in head.strides)
    return RoiGrid((bins, bins), scales, head.aligned, head.sampling)


def proposal_rule(head: TwoStage) -> ProposalRule:
    """How proposals are chosen."""
    anchors = Anchors(head.anchors, head.ratios, head.round_anchors)
    return ProposalRule(anchors, head.proposals_before, head.proposals, head.proposal_iou)


def box_rule(head: TwoStage) -> BoxRule:
    """How the box part's output is read."""
    return BoxRule(head.box_weights, head.score, head.pre_nms, head.background_last)


def area(geometry: Geometry) -> Array:
    """(4,) float32 xyxy: the part of the input that shows the picture."""
    fit, size = geometry.fit, geometry.input_size
    corners = [fit.left, fit.top, fit.left + fit.width, fit.top + fit.height]
    return np.clip(np.array(corners, np.float32), 0, np.array([size[1], size[0]] * 2, np.float32))


def one_class(found: Candidates) -> Candidates:
    """Proposals have no class yet: all are 0."""
    return found._replace(ids=np.zeros_like(found.ids))


def detections(head: TwoStage, found: Candidates, geometry: Geometry) -> Detections:
    """What was kept, in the picture's pixels; what no capacity held is the overflow."""
    return Detections(
        geometry.to_image(found.boxes),
        found.scores,
        found.ids,
        head.names,
        geometry.image_size,
        max(0, found.total - len(found.boxes)),
    )
