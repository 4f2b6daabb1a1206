"""A segmenter's scores refined by the picture it saw: enlarge, a CRF, probabilities come out.

What every twin computes, bit for bit: scores are enlarged to the network's input as
`ops.label_map` interpolates; the picture is the network's input with its normalisation undone,
round(value * std + mean), which gives back the pixels that letterbox put there; then
`ops.dense_crf` or `ops.conv_crf`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op
from edgecv.ops.conv_crf import ConvCrf
from edgecv.ops.dense_crf import DenseCrf

Array = npt.NDArray[Any]
Crf = DenseCrf | ConvCrf

OP = Op("refine", atol=0.0, share=0.0)


def refine(
    scores: Array,
    pixels: Array,
    crf: Crf,
    *,
    align_corners: bool = False,
    provider: str = "cpu",
) -> Array:
    """Class probabilities at the size of the network's input.

    Args:
        scores: (L, h, w) float32 or float16 logits that cover the input edge to edge.
        pixels: (H, W, 3) uint8, what the network saw: see `pixels_of`.
        crf: Which CRF, and its parameters.
        align_corners: As for `label_map.sampling`.
        provider: "cpu". The CUDA twin is `cuda.RefinePlan`.

    Returns:
        (L, H, W) float32, which sums to 1 over the classes.

    Raises:
        ShapeError: wrong shapes or types, or what the CRF refuses.
    """
    if scores.ndim != 3 or 0 in scores.shape or str(scores.dtype) not in ("float32", "float16"):
        raise ShapeError(
            "scores must be a non-empty (L, h, w) float32 or float16 array",
            got=f"{scores.shape} {scores.dtype}",
        )
    refined: Array = OP.on(provider)(scores, pixels, crf, align_corners)
    return refined


def pixels_of(tensor: Array, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    """The picture in a network's input: (C, H, W) floats of one or three channels -> (H, W, 3).

    Channels stay in the order of the input, which no CRF minds; one channel is repeated.
    """
    scale = np.array(std, np.float32)[:, None, None]
    shift = np.array(mean, np.float32)[:, None, None]
    value = np.rint(tensor.astype(np.float32) * scale + shift)
    planes = np.clip(value, np.float32(0), np.float32(255)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(planes, (3, *planes.shape[1:])).transpose(1, 2, 0))
