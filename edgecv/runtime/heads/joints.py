"""From cells of joint maps to results, for every head of a pose network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head.pose import PoseSchema
from edgecv.results import Keypoints
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def input_pixels(head: PoseSchema, cells: Array, grid: tuple[int, int]) -> Array:
    """Map (..., 2) x, y in cells to pixels of the network's input, float64.

    Args:
        head: Its `align` and `stride` say how; see `edgecv.head.pose`.
        cells: Cell indices, refined or not.
        grid: (h, w) of the maps.
    """
    if head.align == "centre":
        place: Array = (cells + 0.5) * head.stride
        return place
    if head.align == "classic":
        return cells * head.stride + 0.5
    side = np.array(grid[::-1], np.float64)
    return cells * (side * head.stride - 1) / np.maximum(side - 1, 1) + 0.5


def check_joints(head: PoseSchema, maps: int, *, background: bool = False) -> None:
    """Refuse a network with another number of joints than the head names: ShapeError.

    Args:
        head: A head of a pose network.
        maps: How many the network gives.
        background: One more, after the joints', is none.
    """
    if head.joints and maps - len(head.joints) not in ((0, 1) if background else (0,)):
        raise ShapeError(
            f"head {getattr(head, 'kind', 'pose')}: one map a joint is needed",
            got=maps,
            joints=len(head.joints),
            fix="head.skeleton in the recipe (coco17, coco18, or own with names and edges)",
        )


def people_of(
    head: PoseSchema,
    joints: Array,
    scores: Array,
    geometry: Geometry,
    grid: tuple[int, int],
    overflow: int = 0,
) -> Keypoints:
    """Results in the picture's pixels.

    Args:
        head: Names the joints, and says how cells become input pixels.
        joints: (P, K, 3) x, y in cells and score; 0: not found.
        scores: (P,) of the people.
        geometry: Where the picture lies in the network's input.
        grid: Height and width of the maps in cells.
        overflow: People no capacity held.
    """
    found = joints[:, :, 2] > 0
    places = geometry.points_to_image(input_pixels(head, joints[:, :, :2].astype(float), grid))
    told = np.concatenate([places, joints[:, :, 2:]], axis=2) * found[:, :, None]
    return Keypoints(
        np.where(found[:, :, None], told, 0).astype(np.float32),
        scores.astype(np.float32),
        head.joints,
        head.lines,
        geometry.image_size,
        overflow=overflow,
    )


def one_person(
    head: PoseSchema, joints: Array, least: float, geometry: Geometry, grid: tuple[int, int]
) -> Keypoints:
    """Results of a top-down network: (K, 3) joints of the one person in the picture.

    Joints below `least` count as not found. The person's score is the mean of the joints found.
    """
    seen = (joints[:, 2] >= np.float32(least)) & (joints[:, 2] > 0)
    kept = np.where(seen[:, None], joints, 0)
    mean = kept[:, 2].sum() / max(1, int(seen.sum()))
    return people_of(head, kept[None], np.array([mean], np.float32), geometry, grid)
