"""CPU twin of yolo_v3: classes and boxes are looked at only where there is an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._candidates import Candidates, Scored, corners, objects_times_classes
from edgecv.ops._probability import limit_of, sigmoid
from edgecv.ops.yolo_v3 import YoloLayout, YoloScale, grid_of

Array = npt.NDArray[Any]


class _Map:
    """One scale: points are (anchor, row, column), a row of values each."""

    def __init__(self, values: Array, scale: YoloScale, layout: YoloLayout) -> None:
        classes, self.height, self.width = grid_of(values.shape, scale, layout)
        shape = (len(scale.anchors), self.height * self.width, 5 + classes)
        if layout.channels_last:
            self.values = values.reshape(shape)
        else:
            self.values = values.reshape(shape[0], shape[2], shape[1]).transpose(0, 2, 1)
        self.scale, self.layout = scale, layout
        self.points = shape[0] * shape[1]

    def rows(self, point: Array) -> Array:
        anchor, cell = np.divmod(point, self.height * self.width)
        rows: Array = self.values[anchor, cell]
        return rows

    def scored(self, score: float) -> Scored:
        objects = self.values[:, :, 4].reshape(-1)
        return objects_times_classes(objects, limit_of(score, True), self._probabilities, score)

    def _probabilities(self, point: Array) -> tuple[Array, Array]:
        rows = self.rows(point)
        classes = rows[:, 5:]
        if not self.layout.softmax:
            return sigmoid(rows[:, 4]), sigmoid(classes)
        powers = np.exp(classes - classes.max(axis=1, keepdims=True))
        return sigmoid(rows[:, 4]), powers / powers.sum(axis=1, keepdims=True)

    def boxes(self, point: Array) -> Array:
        """(K, 4) float32 xyxy in input pixels."""
        raw, stretch = self.rows(point)[:, :4], np.float32(self.scale.scale_xy)
        anchor, cell = np.divmod(point, self.height * self.width)
        corner = np.stack([cell % self.width, cell // self.width], axis=1).astype(np.float32)
        inside = sigmoid(raw[:, :2]) * stretch - (stretch - 1) * np.float32(0.5)
        factor = raw[:, 2:]
        factor = (sigmoid(factor) * 2) ** 2 if self.layout.square else np.exp(factor)
        size = factor * np.array(self.scale.anchors, np.float32)[anchor]
        return corners((inside + corner) * np.float32(self.scale.stride), size)


def yolo_v3(
    maps: Sequence[Array],
    scales: Sequence[YoloScale],
    layout: YoloLayout,
    score: float,
    k: int,
) -> Candidates:
    """See `edgecv.ops.yolo_v3`; the arguments are checked there."""
    levels = [_Map(values, scale, layout) for values, scale in zip(maps, scales, strict=True)]
    starts = np.cumsum([0, *(level.points for level in levels)])
    parts = [level.scored(score) for level in levels]
    found = Scored(
        np.concatenate([part.point + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.value for part in parts]),
        sum(part.nan for part in parts),
    )
    if not layout.multi_label:
        found = found.best_of_each()
    best = found.best(k)
    boxes = np.empty((len(best.point), 4), np.float32)
    for level, start in zip(levels, starts, strict=False):
        here = (best.point >= start) & (best.point < start + level.points)
        boxes[here] = level.boxes(best.point[here] - start)
    return Candidates(boxes, best.value, best.ids, len(found.point), found.nan)
