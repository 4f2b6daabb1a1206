"""Semantic segmentation: class scores of any size become a label for every pixel of the picture.

Scores are interpolated straight to the picture, not to the network's input first (as evaluation
code of training frameworks does), so edges are as fine as the picture. Pictures of more than
`ops.label_map.MAX_LABELS` pixels get a coarser grid of labels, each repeated. With `crf` the scores
are refined first, by the pixels the network saw; who decodes without them (a check of shapes) gets
the labels of the scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import FileError, ShapeError
from edgecv.head import SegmentHead
from edgecv.head.segment import ConvCrfOptions, DenseCrfOptions
from edgecv.ops.conv_crf import ConvCrf
from edgecv.ops.dense_crf import DenseCrf
from edgecv.ops.label_map import (
    MAX_CLASSES,
    Sampling,
    Window,
    grid_of,
    label_map,
    nearest,
    sampling,
    spread,
)
from edgecv.ops.refine import Crf, refine
from edgecv.results import Results, SegmentationMap
from edgecv.runtime.heads import logit, role
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: SegmentHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`."""
    if head.form == "labels":
        pairs = zip(_label_maps(head, outputs), geometries, strict=False)
        found = [nearest(ids, reading(head, ids.shape, g)) for ids, g in pairs]
    else:
        scores = role(head, outputs, "logits", (None, None, None))
        pairs = zip(_with_background(head, scores), geometries, strict=False)
        found = [_labels(head, s, g) for s, g in pairs]
    return [
        SegmentationMap(spread(labels, geometry.image_size), head.names, geometry.image_size)
        for labels, geometry in zip(found, geometries, strict=True)
    ]


def _labels(head: SegmentHead, scores: Array, geometry: Geometry) -> Array:
    if head.crf is None or geometry.pixels is None:
        return label_map(scores, reading(head, scores.shape[1:], geometry))
    corners = head.align_corners
    scores = refine(scores, geometry.pixels, crf_of(head.crf), align_corners=corners)
    return label_map(scores, refined_reading(scores.shape[1:], geometry))


def crf_of(options: DenseCrfOptions | ConvCrfOptions) -> Crf:
    """A head's CRF as its op takes it."""
    values = options.model_dump(exclude={"kind"})
    return DenseCrf(**values) if options.kind == "dense" else ConvCrf(**values)


def refined_reading(cells: tuple[int, ...], geometry: Geometry) -> Sampling:
    """How labels read what was refined, which has the size of the input: pixel for pixel."""
    window = Window(*geometry.fit, geometry.input_size)
    return sampling((cells[0], cells[1]), grid_of(geometry.image_size), window)


def reading(head: SegmentHead, cells: tuple[int, ...], geometry: Geometry) -> Sampling:
    """How the labels of a picture read scores of (h, w) `cells`."""
    window = Window(*geometry.fit, geometry.input_size)
    size = grid_of(geometry.image_size)
    return sampling((cells[0], cells[1]), size, window, align_corners=head.align_corners)


def _with_background(head: SegmentHead, scores: Array) -> Array:
    """Scores of one channel get a class 0 beside them, as high as the threshold."""
    if scores.shape[1] > 1:
        return scores
    return np.concatenate([np.full_like(scores, logit(head.threshold)), scores], axis=1)


def _label_maps(head: SegmentHead, outputs: Mapping[str, Array]) -> Array:
    """The network's own labels, (N, h, w) uint8."""
    name = head.tensor("logits")
    if name not in outputs:
        raise FileError(
            f"the engine has no output {name!r}, which head segment needs as its labels",
            outputs=", ".join(sorted(outputs)),
            fix="name it in the recipe: head.outputs.logits",
        )
    maps = outputs[name]
    if maps.ndim == 4 and maps.shape[1] == 1:
        maps = maps[:, 0]
    if maps.ndim != 3:
        raise ShapeError(
            "head segment: labels must be (N, h, w) or (N, 1, h, w)",
            got=f"{outputs[name].shape}",
            fix="form: logits, if these are scores",
        )
    if maps.size and not (maps.min() >= 0 and maps.max() < MAX_CLASSES):
        raise ShapeError(
            f"head segment: labels must be 0..{MAX_CLASSES - 1}",
            got=f"{maps.min()} .. {maps.max()}",
        )
    return maps.astype(np.uint8)
