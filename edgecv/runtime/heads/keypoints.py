"""Keypoints and their descriptors: SuperPoint's decoder (edgecv.ops.{cell_scores, …})."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.head import KeypointsHead
from edgecv.ops.cell_scores import cell_scores
from edgecv.ops.keypoint_nms import Rule, keypoint_nms
from edgecv.ops.sample_descriptors import sample_descriptors
from edgecv.results import Features, Results
from edgecv.runtime.heads import role, tensor_of
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: KeypointsHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    first = tensor_of(head, outputs, "scores", score_sides(head, outputs)).astype(np.float32)
    maps = role(head, outputs, "descriptors", (None, None, None))
    found: list[Results] = []
    for detected, described, geometry in zip(first, maps, geometries, strict=False):
        cells = head.form == "cells"
        scores = cell_scores(detected) if cells else detected.reshape(detected.shape[-2:])
        index, dropped = keypoint_nms(scores, rule_of(head))
        y, x = np.divmod(index, max(1, scores.shape[1]))
        points = np.stack([x, y], axis=1).astype(np.float32) + np.float32(0.5)
        vectors = sample_descriptors(described, points, head.stride, head.grid)
        found.append(features_of(points, scores.ravel()[index], vectors, geometry, dropped))
    return found


def score_sides(head: KeypointsHead, outputs: Mapping[str, Any]) -> tuple[int | None, ...]:
    """The shape of `scores` without the batch: (s * s + 1, h, w), (1, H, W) or (H, W)."""
    scores = outputs.get(head.tensor("scores"))
    if head.form == "cells":
        return (None, None, None)
    return (None, None) if scores is not None and len(scores.shape) == 3 else (1, None, None)


def rule_of(head: KeypointsHead) -> Rule:
    """How the head chooses keypoints."""
    return Rule(head.score, head.max_keypoints, head.radius, head.rounds, head.border)


def features_of(
    points: Array, scores: Array, vectors: Array, geometry: Geometry, overflow: int
) -> Features:
    """Results in the picture's pixels; points in the padding of the input are left out.

    Args:
        points: (N, 2) x, y in pixels of the network's input.
        scores: (N,).
        vectors: (N, D) descriptors.
        geometry: Where the picture lies in the input.
        overflow: Keypoints no capacity held.
    """
    places = geometry.points_to_image(points)
    height, width = geometry.image_size
    inside = ((places >= 0) & (places <= np.array([width, height]))).all(axis=1)
    return Features(
        places[inside],
        scores[inside].astype(np.float32),
        vectors[inside],
        geometry.image_size,
        overflow=overflow,
    )
