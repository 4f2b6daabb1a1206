"""Heads of networks that find keypoints and describe them, or describe a patch.

A descriptor is a vector of unit length; `results.Features.match` pairs those of two pictures.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from edgecv.head.schema import HeadSchema


class KeypointsHead(HeadSchema):
    """`scores` and `descriptors` (N, D, h, w): keypoints with descriptors.

    SuperPoint (DeTone et al., arXiv:1712.07629) and its followers.

    Attributes:
        form: What `scores` are: `cells` are logits (N, s * s + 1, h, w) of the pixels of s x s
            cells and a dustbin, 65 channels in SuperPoint; `map` are scores (N, 1, H, W) or
            (N, H, W) of pixels, compared as they are.
        score: Pixels below are no keypoints.
        radius: Keypoints lie farther apart than this along x or y, in pixels of the score map:
            those of the input.
        rounds: Rounds of suppression: 1 for local maxima, 3 as SuperPoint's users run it; see
            `edgecv.ops.keypoint_nms`.
        border: Pixels along the edges of the score map without keypoints.
        max_keypoints: At most this many are kept, the best first.
        stride: Input pixels per cell of `descriptors`.
        grid: How pixels lie between cells: `superglue`, `superpoint` or `centre`; see
            `edgecv.ops.sample_descriptors`.
    """

    roles: ClassVar[tuple[str, ...]] = ("scores", "descriptors")
    task: ClassVar[str] = "features"

    kind: Literal["keypoints"] = "keypoints"
    form: Literal["cells", "map"] = "cells"
    score: float = 0.005
    radius: int = Field(4, ge=0, le=64)
    rounds: int = Field(3, ge=1, le=16)
    border: int = Field(4, ge=0)
    max_keypoints: int = Field(1024, ge=1, le=4096)
    stride: int = Field(8, ge=1)
    grid: Literal["superglue", "superpoint", "centre"] = "superglue"


class PatchHead(HeadSchema):
    """`descriptor` (N, D): one vector a picture, made unit length.

    Patch descriptors (LIFT, HardNet) and global ones: the keypoint is the picture's middle.
    """

    roles: ClassVar[tuple[str, ...]] = ("descriptor",)
    task: ClassVar[str] = "features"

    kind: Literal["features"] = "features"
