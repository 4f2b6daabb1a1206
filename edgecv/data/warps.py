"""Pairs of pictures related by a known homography, cut from real photographs.

For learning and judging local features and planar matching. Four corners of the second view are
moved on the photograph (the four-point form of DeTone et al., "Deep Image Homography Estimation",
arXiv:1606.03798, section 3), and the view inside them is made the second picture: every pixel
of both views is real photograph, nothing is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgecv.data import photographs
from edgecv.data.drawn import Drawn, Kind
from edgecv.data.options import Options
from edgecv.errors import ShapeError
from edgecv.images import opencv

Array = npt.NDArray[Any]


class WarpOptions(Options):
    """What a pair looks like.

    Attributes:
        height: Height of both pictures in pixels.
        width: Width of both pictures in pixels.
        shift: Greatest move of each corner as a share of the side, in x and in y.
        rotation: Greatest rotation of the second view in degrees, to either side.
        exposure: Greatest change of gain between the two views, as a share.
    """

    height: int = Field(240, ge=32, le=1024)
    width: int = Field(320, ge=32, le=1024)
    shift: float = Field(0.2, ge=0, le=0.3)
    rotation: float = Field(15.0, ge=0, le=45)
    exposure: float = Field(0.3, ge=0, le=0.9)


@dataclass(frozen=True)
class Pair:
    """Two views of one scene.

    Attributes:
        first: (H, W, 3) uint8 BGR.
        second: (H, W, 3) uint8 BGR.
        homography: (3, 3) float64, maps points of `first` to `second`, both in pixels with the
            origin at the outer corner of the top-left pixel; the last entry is 1.
        id: Unique within its data set.
    """

    first: Array
    second: Array
    homography: Array
    id: str


class Warps(Drawn[Pair, WarpOptions]):
    """Pairs of one split. Held-out pairs show held-out photographs."""

    kind = Kind("warps", edition=1, train=4, val=5, materials=("photographs",))

    def _draw(self, rng: np.random.Generator, name: str) -> Pair:
        cv2 = opencv()
        photograph = photographs.photograph(photographs.choose(self.split, rng))
        size = np.array([self.options.width, self.options.height], np.float64)
        frame = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size
        moved = self._moved(frame, rng)
        place = _placed(photograph, moved, frame, rng)
        to_second = cv2.getPerspectiveTransform(moved.astype(np.float32), frame.astype(np.float32))
        first, second = (_view(photograph, view @ place, size) for view in (np.eye(3), to_second))
        gain = 1 + self.options.exposure * (2 * float(rng.random()) - 1)
        return Pair(
            first=first,
            second=cv2.convertScaleAbs(second, alpha=gain),
            homography=to_second / to_second[2, 2],
            id=name,
        )

    def _moved(self, frame: Array, rng: np.random.Generator) -> Array:
        """Where the second view's corners lie in the first: turned about the centre, then moved."""
        size, centre = frame[2], frame[2] / 2
        turn = np.deg2rad(self.options.rotation) * (2 * rng.random() - 1)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        shifts = self.options.shift * (2 * rng.random((4, 2)) - 1) * size
        moved: Array = (frame - centre) @ rotation.T + centre + shifts
        return moved


def warp_points(points: Array, homography: Array) -> Array:
    """Map (N, 2) points by a (3, 3) homography; float64. See `Pair` for the convention.

    Raises:
        ShapeError: other shapes.

    >>> warp_points(np.array([[1.0, 2.0]]), np.diag([2.0, 2.0, 1.0])).tolist()
    [[2.0, 4.0]]
    """
    if points.ndim != 2 or points.shape[1] != 2 or homography.shape != (3, 3):
        raise ShapeError(
            "warp_points: points must be (N, 2), homography (3, 3)",
            points=points.shape,
            homography=homography.shape,
        )
    mapped = np.column_stack([points, np.ones(len(points))]) @ homography.T
    result: Array = mapped[:, :2] / mapped[:, 2:]
    return result


def _placed(photograph: Array, moved: Array, frame: Array, rng: np.random.Generator) -> Array:
    """(3, 3) map from the photograph to the first view such that both views lie inside it."""
    corners = np.concatenate([frame, moved])
    low, high = corners.min(0), corners.max(0)
    room = np.array(photograph.shape[1::-1], np.float64)
    largest = float((room / (high - low)).min())  # photograph pixels per view pixel
    scale = largest * (0.5 + 0.5 * float(rng.random()))
    free = room - scale * (high - low)
    at = free * rng.random(2) - scale * low  # the first view's origin, in the photograph
    return np.array([[1 / scale, 0, -at[0] / scale], [0, 1 / scale, -at[1] / scale], [0, 0, 1]])


def _view(photograph: Array, to_view: Array, size: Array) -> Array:
    """The (H, W, 3) view of a photograph; the map is in corner-origin pixels on both sides."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])  # cv2's origin is a pixel's centre
    matrix = np.linalg.inv(half) @ to_view @ half
    cv2 = opencv()
    view: Array = cv2.warpPerspective(
        photograph,
        matrix,
        (int(size[0]), int(size[1])),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return view
