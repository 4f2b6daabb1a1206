"""What a CenterNet learns: a peak at each centre, and there the box's size and offset.

Sources: Zhou et al., "Objects as Points", arXiv:1904.07850, sections 3 and 4; the radius of a
peak is Law and Deng, "CornerNet", arXiv:1808.01244, section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from edgecv.data import Sample
from edgecv.errors import RecipeError
from edgecv.head import CenterNetHead
from edgecv.recipe import Recipe
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]

ALPHA, BETA = 2.0, 4.0  # equation 1
SIZE_WEIGHT = 0.1  # lambda_size of equation 4, sizes in cells
MIN_OVERLAP = 0.7  # IoU that a box still has whose corners lie within the radius


class CenterNetObjective:
    """Peaks, sizes and offsets on the cells of the head."""

    scores = "heatmap"

    def __init__(self, recipe: Recipe) -> None:
        """Read stride, classes and unit of the head of `recipe`.

        Raises:
            RecipeError: the input's size is not a multiple of the head's stride, or the number of
                classes is unknown.
        """
        head = recipe.head
        if not isinstance(head, CenterNetHead) or recipe.arch is None:
            raise TypeError("a CenterNet objective needs a CenterNet head and a zoo architecture")
        height, width = recipe.input.size
        if height % head.stride or width % head.stride:
            raise RecipeError(
                "input.size must be a multiple of head.stride",
                size=recipe.input.size,
                stride=head.stride,
            )
        if not head.names:
            raise RecipeError("head.names: training needs the class names of the detector")
        self.stride = head.stride
        self.cells = (height // head.stride, width // head.stride)
        self.classes = len(head.names)
        self.size_scale = float(head.stride) if head.size_unit == "pixel" else 1.0

    def encode(self, sample: Sample, geometry: Geometry) -> Mapping[str, Array]:
        """Targets on the grid of cells (h, w), all float32.

        Returns:
            "heatmap" (C, h, w): 1 at centres, a Gaussian around; "size" and "offset" (2, h, w);
            "centre" (1, h, w): 1 where an object is centred; "counted" (1, h, w): 0 under crowds,
            where finding something is neither right nor wrong.
        """
        height, width = self.cells
        targets = {
            "heatmap": np.zeros((self.classes, height, width), np.float32),
            "size": np.zeros((2, height, width), np.float32),
            "offset": np.zeros((2, height, width), np.float32),
            "centre": np.zeros((1, height, width), np.float32),
            "counted": np.ones((1, height, width), np.float32),
        }
        boxes = geometry.to_input(sample.boxes) / self.stride
        boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        crowd = np.zeros(len(boxes), np.bool_) if sample.crowd is None else sample.crowd
        for i in np.argsort(-area, kind="stable"):  # of two in one cell the smaller is learned
            if area[i] <= 0:
                continue
            if crowd[i]:
                self._ignore(targets, boxes[i])
            else:
                self._enter(targets, boxes[i], int(sample.ids[i]))
        targets["counted"] = np.maximum(targets["counted"], targets["centre"])
        return targets

    def _enter(self, targets: dict[str, Array], box: Array, label: int) -> None:
        height, width = self.cells
        wide, high = float(box[2] - box[0]), float(box[3] - box[1])
        middle_x, middle_y = float(box[0]) + wide / 2, float(box[1]) + high / 2
        x, y = min(int(middle_x), width - 1), min(int(middle_y), height - 1)
        splat(targets["heatmap"][label], x, y, radius(wide, high))
        targets["size"][:, y, x] = (wide * self.size_scale, high * self.size_scale)
        targets["offset"][:, y, x] = (middle_x - x, middle_y - y)
        targets["centre"][0, y, x] = 1

    def _ignore(self, targets: dict[str, Array], box: Array) -> None:
        x0, y0 = np.floor(box[:2]).astype(int)
        x1, y1 = np.ceil(box[2:]).astype(int)
        targets["counted"][0, y0:y1, x0:x1] = 0

    def loss(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """{"heatmap", "size", "offset"}: sums over cells divided by the number of objects."""
        centre = batch["centre"]
        objects = centre.sum().clamp(min=1)
        size = (outputs["size"].float() - batch["size"]).abs() * centre
        offset = (outputs["offset"].float() - batch["offset"]).abs() * centre
        focal = focal_loss(outputs["heatmap"].float(), batch["heatmap"], batch["counted"])
        return {
            "heatmap": focal / objects,
            "size": SIZE_WEIGHT / self.size_scale * size.sum() / objects,
            "offset": offset.sum() / objects,
        }


def radius(width: float, height: float) -> int:
    """Cells by which both corners of a box may be off while its IoU stays `MIN_OVERLAP`.

    The least of three cases: both corners move outwards, both inwards, or one each way; each is a
    quadratic equation in the radius. Rounded down.

    Args:
        width: Of the box, in cells.
        height: Of the box, in cells.
    """
    overlap, total, area = MIN_OVERLAP, width + height, width * height
    cases = (  # a r^2 + b r + c = 0, the smaller positive root
        (1.0, -total, area * (1 - overlap) / (1 + overlap)),  # one corner out, one in
        (4.0, -2 * total, area * (1 - overlap)),  # both in
        (-4 * overlap, -2 * overlap * total, area * (1 - overlap)),  # both out
    )
    roots = [abs((-b - np.sqrt(b * b - 4 * a * c)) / (2 * a)) for a, b, c in cases]
    return max(0, int(min(roots)))


def splat(heatmap: Array, x: int, y: int, reach: int) -> None:
    """Raise `heatmap` (h, w) in place to a Gaussian peak of 1 at (x, y), cut off at `reach`.

    The standard deviation is a sixth of the diameter 2 reach + 1, as in the public code.
    """
    height, width = heatmap.shape
    deviation = (2 * reach + 1) / 6
    rows = np.arange(max(0, y - reach), min(height, y + reach + 1))
    columns = np.arange(max(0, x - reach), min(width, x + reach + 1))
    distance = (rows[:, None] - y) ** 2 + (columns[None, :] - x) ** 2
    peak = np.exp(-distance / (2 * deviation**2)).astype(np.float32)
    window = heatmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    np.maximum(window, peak, out=window)


def focal_loss(logits: Tensor, target: Tensor, counted: Tensor) -> Tensor:
    """Penalty-reduced pixel-wise logistic regression (equation 1), summed.

    Args:
        logits: (N, C, h, w) float32.
        target: (N, C, h, w) float32: exactly 1 at a centre, less around it.
        counted: (N, 1, h, w) float32: weight of a cell.

    Returns:
        () float32; not yet divided by the number of objects.
    """
    probability = torch.sigmoid(logits)
    found = functional.logsigmoid(logits) * (1 - probability) ** ALPHA
    absent = functional.logsigmoid(-logits) * probability**ALPHA * (1 - target) ** BETA
    return -(torch.where(target == 1, found, absent) * counted).sum()
