"""Top-down pose by integral regression: the mean place under each map's softmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgecv.head import IntegralHead
from edgecv.ops.soft_argmax import soft_argmax
from edgecv.results import Results
from edgecv.runtime.heads import role
from edgecv.runtime.heads.joints import check_joints, one_person
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: IntegralHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`: one person a picture."""
    maps = role(head, outputs, "heatmap", (None, None, None))
    check_joints(head, maps.shape[1])
    grid = (maps.shape[2], maps.shape[3])
    joints = soft_argmax(maps.reshape(-1, *grid), head.beta).reshape(*maps.shape[:2], 3)
    pairs = zip(joints, geometries, strict=False)
    return [one_person(head, found, head.score, geometry, grid) for found, geometry in pairs]
