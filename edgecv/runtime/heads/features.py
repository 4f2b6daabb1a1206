"""One descriptor a picture: a patch's or a global one, made unit length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.head import PatchHead
from edgecv.ops.sample_descriptors import SMALLEST
from edgecv.results import Features, Results
from edgecv.runtime.heads import role
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: PatchHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`: the point is the picture's middle, its score 1."""
    vectors = role(head, outputs, "descriptor", (None,))
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    units = vectors / np.maximum(norms, np.float32(SMALLEST))[:, None]
    found: list[Results] = []
    for vector, geometry in zip(units, geometries, strict=False):
        height, width = geometry.image_size
        middle = np.array([[width / 2, height / 2]], np.float32)
        found.append(Features(middle, np.ones(1, np.float32), vector[None], geometry.image_size))
    return found
