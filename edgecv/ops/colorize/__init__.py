"""Paint a label map over its picture, in a palette with an opacity for each class.

What every twin must compute, bit for bit, with a = opacity[label] in 0..256:

    painted = (picture * (256 - a) + color * a + 128) >> 8

so 0 leaves the pixel as it is and 256 is the colour alone. Without a picture the colours are
painted on black.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.ops._op import Op
from edgecv.ops.colorize.palette import painted, palette

Array = npt.NDArray[Any]

OP = Op("colorize", atol=0.0, share=0.0)

_OPAQUE = 256


def paint_of(names: tuple[str, ...] = (), opacity: float = 0.5) -> Array:
    """(256, 4) int32, blue, green, red and opacity of each class, from the palette.

    Args:
        names: Of the classes; the first one stays unpainted if it is called background.
        opacity: 0..1 of all painted classes.
    """
    alpha = np.where(painted(names), round(opacity * _OPAQUE), 0)
    return np.concatenate([palette(), alpha[:, None]], axis=1).astype(np.int32)


def colorize(
    labels: Array,
    paint: Array,
    picture: Array | None = None,
    out: Array | None = None,
    *,
    provider: str = "cpu",
) -> Array:
    """The painted picture.

    Args:
        labels: (H, W) uint8, C-contiguous.
        paint: (256, 4) int32: colour 0..255 and opacity 0..256 of each class, in the channel
            order of the picture.
        picture: (H, W, 3) uint8, C-contiguous; none: black.
        out: (H, W, 3) uint8, C-contiguous, to write into, which may be the picture; none: new.
        provider: "cpu". The CUDA twin is `cuda.ColorizePlan`.

    Raises:
        ShapeError: an array of another shape, dtype or layout.
        MachineError: `provider` cannot run on this machine.
    """
    check_paint(paint)
    wanted = (*labels.shape, 3)
    out = np.empty(wanted, np.uint8) if out is None else out
    arrays = {"labels": (labels, labels.shape[:2]), "out": (out, wanted)}
    if picture is not None:
        arrays["picture"] = (picture, wanted)
    for name, (array, shape) in arrays.items():
        fits = array.shape == shape and array.dtype == np.uint8 and array.flags.c_contiguous
        if not fits or len(shape) < 2:
            raise ShapeError(
                f"colorize: {name} must be a C-contiguous {shape} uint8 array",
                got=f"{array.shape} {array.dtype}",
            )
    OP.on(provider)(labels, paint, picture, out)
    return out


def check_paint(paint: Array) -> None:
    """Refuse a palette that would leave 0..255.

    Raises:
        ShapeError: not (256, 4) int32, or a colour or opacity out of range.
    """
    right = paint.shape == (256, 4) and paint.dtype == np.int32
    if not right or paint.min() < 0 or paint[:, :3].max() > 255 or paint[:, 3].max() > _OPAQUE:
        raise ShapeError(
            "colorize: paint must be (256, 4) int32, colours 0..255 and opacity 0..256",
            got=f"{paint.shape} {paint.dtype}",
        )
