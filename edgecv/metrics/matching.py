"""Which detections of one image are right: COCO's greedy matching.

Lin et al., "Microsoft COCO", arXiv:1405.0312; the rules are those of the public evaluation code
(pycocotools' COCOeval.evaluateImg, area range "all"), and the tests hold the numbers equal to it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError

Array = npt.NDArray[Any]

COCO_IOUS = np.round(np.arange(0.5, 1.0, 0.05), 2)


class Boxes(NamedTuple):
    """Boxes of one image.

    Attributes:
        xyxy: (N, 4) float.
        ids: (N,) integer class ids.
        scores: (N,) float for detections, None for the truth.
        crowd: (N,) bool for the truth; None: none is.
    """

    xyxy: Array
    ids: Array
    scores: Array | None = None
    crowd: Array | None = None


class ImageMatch(NamedTuple):
    """What was right in one image; detections class by class, in each the best first.

    Attributes:
        ids: (D,) int64 class of each detection.
        scores: (D,) float64.
        hit: (T, D) bool, matched to an object of its class, per IoU threshold.
        ignored: (T, D) bool, matched to a crowd: neither right nor wrong.
        objects: (G,) int64 classes of the true objects that are not crowds.
    """

    ids: Array
    scores: Array
    hit: Array
    ignored: Array
    objects: Array


def match_image(
    found: Boxes, truth: Boxes, ious: Array = COCO_IOUS, *, limit: int = 100
) -> ImageMatch:
    """Match the detections of one image to its objects, class by class, at each IoU threshold.

    Detections go in order of score (ties: the earlier first). Each takes the free object of its
    class with the largest IoU >= threshold (ties: the later object); one that finds none may
    match a crowd (overlap = intersection / its own area), which any number may do, and is then
    ignored. Everything else is wrong.

    Args:
        found: Detections with scores.
        truth: Objects, with crowds marked.
        ious: (T,) thresholds in 0..1.
        limit: Only this many detections a class are judged, the best.

    Raises:
        ShapeError: detections have no scores, or lengths disagree.
    """
    _check(found, truth)
    scores = np.zeros(0) if found.scores is None else found.scores.astype(np.float64)
    crowd = np.zeros(len(truth.ids), np.bool_) if truth.crowd is None else truth.crowd
    order = np.lexsort((-scores, found.ids))  # by class, then best first; stable
    rank = np.arange(len(order)) - np.searchsorted(found.ids[order], found.ids[order])
    order = order[rank < limit]
    ids = found.ids[order]
    hit = np.zeros((len(ious), len(order)), np.bool_)
    ignored = np.zeros_like(hit)
    for label in np.intersect1d(ids, truth.ids):
        mine, theirs = np.flatnonzero(ids == label), np.flatnonzero(truth.ids == label)
        overlap = _overlaps(found.xyxy[order[mine]], truth.xyxy[theirs], crowd[theirs])
        hit[:, mine], ignored[:, mine] = _match_class(overlap, crowd[theirs], ious)
    return ImageMatch(
        ids=ids.astype(np.int64),
        scores=scores[order],
        hit=hit,
        ignored=ignored,
        objects=truth.ids[~crowd].astype(np.int64),
    )


def _check(found: Boxes, truth: Boxes) -> None:
    if found.scores is None or found.scores.shape != found.ids.shape:
        raise ShapeError("match_image: every detection needs a score", boxes=len(found.ids))
    for name, boxes in (("found", found), ("truth", truth)):
        if boxes.xyxy.shape != (len(boxes.ids), 4):
            raise ShapeError(
                f"match_image: {name} boxes must be (N, 4) with N class ids",
                boxes=boxes.xyxy.shape,
                ids=boxes.ids.shape,
            )


def _overlaps(found: Array, truth: Array, crowd: Array) -> Array:
    """(D, G) IoU; for a crowd: intersection over the detection's own area."""
    one, two = found.astype(np.float64)[:, None], truth.astype(np.float64)[None]
    sides = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])
    shared = np.prod(np.maximum(sides, 0), axis=2)
    area = np.prod(one[..., 2:] - one[..., :2], axis=2)
    whole = area + np.where(crowd, 0, np.prod(two[..., 2:] - two[..., :2], axis=2) - shared)
    share: Array = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return share


def _match_class(overlap: Array, crowd: Array, ious: Array) -> tuple[Array, Array]:
    """(T, D) hit and ignored of detections in order, from their (D, G) overlaps."""
    hit = np.zeros((len(ious), len(overlap)), np.bool_)
    ignored = np.zeros_like(hit)
    floor = np.minimum(ious, 1 - 1e-10)[:, None]
    free = np.tile(~crowd, (len(ious), 1))
    rows = np.arange(len(ious))
    for place in np.flatnonzero(overlap.max(1) >= floor.min()):
        enough = overlap[place][None] >= floor
        candidates = np.where(enough & free, overlap[place], -1.0)
        best = candidates.shape[1] - 1 - candidates[:, ::-1].argmax(1)
        taken = candidates[rows, best] >= 0
        hit[taken, place] = True
        free[rows[taken], best[taken]] = False
        ignored[:, place] = ~taken & np.logical_or.reduce(enough & crowd, axis=1)
    return hit, ignored
