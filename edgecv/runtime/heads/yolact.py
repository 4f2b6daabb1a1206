"""YOLACT: scored boxes with coefficients, suppression, masks from prototypes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import YolactHead
from edgecv.ops._candidates import Candidates, corners
from edgecv.ops._deltas import apply_deltas
from edgecv.ops._probability import limit_of, logit, sigmoid
from edgecv.ops.fast_nms import fast_nms
from edgecv.ops.nms import nms
from edgecv.ops.prototypes import prototypes
from edgecv.ops.roi_boxes.cpu import probabilities
from edgecv.ops.topk import topk
from edgecv.results import Instances, Results
from edgecv.runtime.heads import role
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: YolactHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    boxes = role(head, outputs, "boxes", (None, 4))
    scores = role(head, outputs, "scores", (boxes.shape[1], None))
    coefficients = role(head, outputs, "coefficients", (boxes.shape[1], None))
    maps = role(head, outputs, "prototypes", (None, None, None))
    if head.channels_last:
        maps = maps.transpose(0, 3, 1, 2)
    if maps.shape[1] != coefficients.shape[2]:
        raise ShapeError(
            "head yolact: as many coefficients as prototypes are needed",
            prototypes=f"{maps.shape}",
            coefficients=f"{coefficients.shape}",
            fix="check head.channels_last in the recipe",
        )
    rows = zip(boxes, scores, coefficients, maps, geometries, strict=False)
    return [_image(head, row[:4], row[4]) for row in rows]


def _image(head: YolactHead, tensors: tuple[Array, ...], geometry: Geometry) -> Instances:
    raw, scores, coefficients, maps = tensors
    anchor, found = candidates(head, raw, scores, geometry)
    suppress = fast_nms if head.nms == "fast" else nms
    ids = np.zeros_like(found.ids) if head.class_agnostic else found.ids
    kept = suppress(found.boxes, ids, head.iou, head.max_detections)
    boxes = found.boxes[kept]
    size = geometry.input_size
    cell = np.array([maps.shape[2] / size[1], maps.shape[1] / size[0]] * 2, np.float32)
    soft, cells = prototypes(maps, coefficients[anchor[kept]], boxes * cell)
    regions = (cells / cell.astype(np.float64)).reshape(-1, 2, 2)
    return Instances(
        geometry.to_image(boxes),
        found.scores[kept],
        found.ids[kept],
        soft,
        geometry.points_to_image(regions).reshape(-1, 4),
        head.names,
        geometry.image_size,
        found.total - len(found.boxes),
        head.mask_threshold,
    )


def candidates(
    head: YolactHead, raw: Array, scores: Array, geometry: Geometry
) -> tuple[Array, Candidates]:
    """Every class of an anchor that reaches the score, best first, and their anchors.

    Args:
        head: What the tensors are.
        raw: (A, 4) float32.
        scores: (A, classes) float32, with the background first if they are a softmax.
        geometry: Its input size places the anchors.
    """
    value, rows = scores, np.arange(len(scores))
    limit = limit_of(head.score, head.activation == "sigmoid")
    if head.activation == "softmax":
        # no class of a row can reach the score whose best logit is below the background's by more
        # than logit(score): most rows need no exponential
        margin = np.float32(min(max(logit(head.score), -1e30), 15.0) - 1e-3)
        rows = np.flatnonzero(scores[:, 1:].max(axis=1, initial=-np.inf) >= scores[:, 0] + margin)
        value = probabilities(scores[rows])[:, 1:]
    flat = np.ascontiguousarray(value).reshape(-1)
    index = np.flatnonzero(flat >= limit)
    best = index[topk(flat[index], head.pre_nms)]
    row, ids = np.divmod(best, max(value.shape[1], 1))
    anchor = rows[row]
    chosen = sigmoid(flat[best]) if head.activation == "sigmoid" else flat[best]
    boxes = decoded(head, raw, anchor, geometry)
    return anchor, Candidates(boxes, chosen, ids.astype(np.int64), len(index))


def decoded(head: YolactHead, raw: Array, anchor: Array, geometry: Geometry) -> Array:
    """(K, 4) float32 xyxy in input pixels of the chosen anchors.

    Raises:
        ShapeError: the head describes another number of anchors.
    """
    if head.boxes == "xyxy":
        return np.ascontiguousarray(raw[anchor])
    if head.boxes == "cxcywh":
        return corners(raw[anchor, :2], raw[anchor, 2:])
    shape = (head.anchors, head.ratios, head.square_anchors)
    reference = anchors(head.strides, *shape, geometry.input_size)
    if len(reference) != len(raw):
        raise ShapeError(
            "head yolact: its anchors are not the network's",
            anchors=len(reference),
            network=len(raw),
            fix="check head.strides, head.anchors and head.ratios in the recipe",
        )
    return apply_deltas(raw[anchor], reference[anchor], head.weights)


@lru_cache(maxsize=8)
def anchors(
    strides: tuple[float, ...],
    sizes: tuple[float, ...],
    ratios: tuple[float, ...],
    square: bool,
    input_size: tuple[int, int],
) -> Array:
    """(A, 4) float32 xyxy in input pixels: level by level, row by row, cell by cell.

    A level has ceil(input / stride) cells a side, which share the input evenly; anchors are
    centred in them.
    """
    found = []
    for stride, size in zip(strides, sizes, strict=True):
        rows, columns = (math.ceil(side / stride) for side in input_size)
        y = (np.arange(rows) + 0.5) * input_size[0] / rows
        x = (np.arange(columns) + 0.5) * input_size[1] / columns
        wide = size * np.sqrt(ratios)
        high = wide if square else size / np.sqrt(ratios)
        centre = np.stack(np.broadcast_arrays(x[None, :, None], y[:, None, None]), axis=-1)
        half = np.stack([wide, high], axis=-1) / 2
        found.append(np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4))
    return np.concatenate(found).astype(np.float32)
