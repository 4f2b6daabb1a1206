"""Heads as code: raw output tensors and geometry become results, vectorised numpy.

`edgecv/runtime/heads/<kind>.py` holds `decode` for the head of that kind (`edgecv/head.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edgecv.errors import FileError, ShapeError
from edgecv.head import Head
from edgecv.ops._probability import logit, sigmoid
from edgecv.results import Results
from edgecv.runtime.parts import Part
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]

__all__ = ["decode", "logit", "role", "sigmoid", "tensor_of"]


class Shaped(Protocol):
    """An array in the memory of the host or of a device."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides."""
        ...


T = TypeVar("T", bound=Shaped)


def decode(
    head: Head,
    outputs: Mapping[str, Array],
    geometries: Sequence[Geometry],
    parts: Mapping[str, Part] | None = None,
) -> list[Results]:
    """Results of the first `len(geometries)` images of a batch.

    Args:
        head: From a recipe or a bundle's manifest.
        outputs: Output name -> array; the first dimension is the batch, which may be longer than
            `geometries` (padding of a fixed batch).
        geometries: How each image lay in the network's input.
        parts: The bundle's other engines, for a head that has some (`head.parts`).

    Raises:
        FileError: an output the head needs is not there.
        ShapeError: an output has another shape than the head needs.
    """
    module = import_module(f"edgecv.runtime.heads.{head.kind}")
    given = {"parts": parts} if head.parts else {}
    found: list[Results] = module.decode(head, outputs, geometries, **given)
    return found


def role(
    head: Head, outputs: Mapping[str, Array], name: str, shape: tuple[int | None, ...]
) -> Array:
    """The output that plays role `name`, as float32 of shape (batch, *shape); None is any size.

    Raises:
        FileError: there is no such output.
        ShapeError: it has another shape.
    """
    array: Array = tensor_of(head, outputs, name, shape)
    return array.astype(np.float32, copy=False)


def tensor_of(head: Head, outputs: Mapping[str, T], name: str, shape: tuple[int | None, ...]) -> T:
    """Like `role`, of arrays in any memory and without converting them.

    Raises:
        FileError: there is no such output.
        ShapeError: it has another shape.
    """
    tensor = head.tensor(name)
    if tensor not in outputs:
        raise FileError(
            f"the engine has no output {tensor!r}, which head {head.kind} needs as its {name}",
            outputs=", ".join(sorted(outputs)),
            fix=f"name it in the recipe: head.outputs.{name}",
        )
    array = outputs[tensor]
    fits = len(array.shape) == len(shape) + 1 and all(
        want is None or want == got for want, got in zip(shape, array.shape[1:], strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if side is None else str(side) for side in ("N", *shape))
        raise ShapeError(f"head {head.kind}: {name} must be ({wanted})", got=f"{array.shape}")
    return array
