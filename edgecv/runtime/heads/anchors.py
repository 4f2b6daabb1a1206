"""Anchor deltas: SSD, RetinaNet, EfficientDet, region proposals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import AnchorsHead
from edgecv.head.anchors import AnchorLevel
from edgecv.ops.anchors import AnchorLayout, anchors
from edgecv.ops.anchors.grid import GridLevel, anchor_counts, anchor_grid
from edgecv.results import Results
from edgecv.runtime.boxes import detections
from edgecv.runtime.heads import role
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: AnchorsHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    scores = role(head, outputs, "scores", (None, None))
    deltas = role(head, outputs, "deltas", (None, 4))
    at, layout = anchors_of(head, scores.shape)
    return [
        detections(head, anchors((s, d), at, layout, head.score, head.pre_nms), geometry)
        for s, d, geometry in zip(scores, deltas, geometries, strict=False)
    ]


def anchors_of(head: AnchorsHead, shape: tuple[int, ...]) -> tuple[Array, AnchorLayout]:
    """The (A, 4) anchors, and how the op reads scores of (N, A, C) `shape`.

    Raises:
        ShapeError: the network has another number of anchors, or too few classes.
    """
    levels = _levels(head.pyramid())
    counts = anchor_counts(levels, head.size)  # before memory is asked for them
    classes = shape[2] - (head.activation == "softmax")
    if shape[1] != sum(counts) or classes < 1:
        raise ShapeError(
            "head anchors: scores need a row per anchor, and a class",
            got=f"{shape}",
            anchors=sum(counts),
            fix="check head.anchors, head.levels and head.size in the recipe",
        )
    layout = AnchorLayout(
        activation=head.activation,
        background=0 if head.background == "first" else classes,
        variances=head.variances,
        clamp=head.clamp or math.inf,
        yxhw=head.deltas == "yxhw",
        levels=counts,
        per_level=head.per_level,
        clip=head.size if head.clip else None,
    )
    return _grid(levels, head.size), layout


def _levels(levels: tuple[AnchorLevel, ...]) -> tuple[GridLevel, ...]:
    return tuple(GridLevel(each.stride, each.boxes, each.offset, each.grid) for each in levels)


@lru_cache(maxsize=8)
def _grid(levels: tuple[GridLevel, ...], size: tuple[int, int]) -> Array:
    at = anchor_grid(levels, size)
    at.flags.writeable = False
    return at
