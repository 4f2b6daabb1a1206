"""What every engine offers, and what every build returns."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edgecv.bundle import Layer, Tensor
from edgecv.errors import FileError, ShapeError

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


class Engine(Protocol):
    """A loaded engine. `execute` may be called from several threads; at most `streams` run at once.

    Attributes:
        backend: The engine family.
        inputs: Name, shape and dtype of each input; -1 is a dynamic dimension.
        outputs: Likewise.
    """

    backend: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def execute(self, arrays: Arrays) -> dict[str, Array]:
        """Run once.

        Args:
            arrays: Input name -> array of the declared shape and dtype. It is not kept.

        Returns:
            Output name -> a fresh array: a later call does not change it.

        Raises:
            ShapeError: an input is missing, unknown, or has the wrong shape or dtype.
        """
        ...

    def layers(self) -> tuple[Layer, ...]:
        """What the engine runs, layer by layer, as it reports it; empty if it does not tell."""
        ...

    def close(self) -> None:
        """Free what the engine holds; it cannot be used afterwards."""
        ...


@dataclass(frozen=True)
class Built:
    """What a build left in its folder.

    Attributes:
        engine: Engine file name inside the folder.
        version: Version of the library that built it.
        layers: Layers as the builder reports them; empty if only the loaded engine can tell.
        targets: Compute capabilities it was built for (`sm86`); empty on a CPU.
        host: Facts about the device it was built on.
        log: What the builder said that a user should know, one line each.
    """

    engine: str
    version: str
    layers: tuple[Layer, ...] = ()
    targets: tuple[str, ...] = ()
    host: tuple[tuple[str, str], ...] = ()
    log: tuple[str, ...] = ()


def require_file(path: Path, what: str) -> None:
    """Refuse an engine file that is missing or empty.

    Raises:
        FileError: it is.
    """
    if not path.is_file():
        raise FileError(f"{what} not found", file=path)
    if path.stat().st_size == 0:
        raise FileError(f"{what} is empty", file=path)


def take_model(model: Path, target: Path) -> None:
    """Put an ONNX file where an engine executes it from, unless it lies there already.

    Raises:
        FileError: the file is missing or empty.
    """
    if not target.exists() or not target.samefile(model):
        require_file(model, "ONNX file")
        shutil.copyfile(model, target)


def check_arrays(tensors: tuple[Tensor, ...], arrays: Arrays) -> None:
    """Hold `arrays` to the declared inputs.

    Raises:
        ShapeError: an input is missing, unknown, or has the wrong shape or dtype.
    """
    for tensor in tensors:
        array = arrays.get(tensor.name)
        if array is None:
            raise ShapeError(f"input {tensor.name!r} is missing", given=", ".join(arrays) or "none")
        fits = len(array.shape) == len(tensor.shape) and all(
            want in (-1, got) for want, got in zip(tensor.shape, array.shape, strict=True)
        )
        if not fits or array.dtype.name != tensor.dtype:
            want = ", ".join("N" if side == -1 else str(side) for side in tensor.shape)
            raise ShapeError(
                f"input {tensor.name!r} must be ({want}) {tensor.dtype}",
                got=f"{array.shape} {array.dtype}",
            )
    if len(arrays) != len(tensors):
        unknown = sorted(set(arrays) - {tensor.name for tensor in tensors})
        raise ShapeError(
            f"the engine has no input {unknown[0]!r}",
            inputs=", ".join(tensor.name for tensor in tensors),
        )


def zeros(tensors: tuple[Tensor, ...], batch: int = 1) -> dict[str, Array]:
    """An input of zeros for every tensor; a dynamic dimension becomes `batch`."""
    return {
        tensor.name: np.zeros(
            tuple(batch if side == -1 else side for side in tensor.shape), tensor.dtype
        )
        for tensor in tensors
    }


# Layers that move, convert or hold data but compute nothing: an engine's precision is not theirs.
MOVES = frozenset(
    "Reorder Reshape Cast Convert QuantizeLinear DequantizeLinear FakeQuantize Flatten Transpose "
    "Squeeze Unsqueeze Identity Constant Const Input Output Parameter Result Concat Split Slice "
    "ReorderInput ReorderOutput MemcpyFromHost MemcpyToHost Reformat NoOp Shuffle signal wait"
    "".split()
)


def count_precisions(layers: tuple[Layer, ...]) -> dict[str, int]:
    """Runtime precision -> number of computing layers that run in it, most frequent first."""
    counts: dict[str, int] = {}
    for layer in layers:
        if layer.type not in MOVES:
            counts[layer.precision] = counts.get(layer.precision, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
