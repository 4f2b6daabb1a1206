"""A part's engine, whatever number of rows there are: in slices it takes, padded where it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.bundle import Bundle
from edgecv.engines import Engine, open_engine
from edgecv.errors import FileError, UnsupportedModel

Array = npt.NDArray[Any]


class Part:
    """One engine of a cascade: pooled features, or crops, in; raw tensors out.

    Attributes:
        engine: The engine.
        name: As the bundle calls it.
        batch: (min, opt, max) rows it takes at once.
    """

    def __init__(self, name: str, engine: Engine, batch: tuple[int, int, int]) -> None:
        """Join an engine and the (min, opt, max) batch it takes.

        Raises:
            UnsupportedModel: it has not one input.
        """
        self.name, self.engine, self.batch = name, engine, batch
        if len(engine.inputs) != 1:
            raise UnsupportedModel(
                f"part {name} must have one input",
                inputs=", ".join(tensor.name for tensor in engine.inputs) or "none",
            )
        self._input = engine.inputs[0]
        self._least, _, self._most = batch

    def __call__(self, rows: Array) -> dict[str, Array]:
        """Raw outputs of (K, ...) float32 `rows`, each of K rows; K may be 0.

        Raises:
            ShapeError: rows of another shape than the engine takes.
        """
        found: list[dict[str, Array]] = []
        for start in range(0, len(rows), self._most) or range(1):
            piece = rows[start : start + self._most]
            count, missing = len(piece), max(self._least, 1) - len(piece)
            if missing > 0:
                piece = np.concatenate([piece, np.zeros((missing, *rows.shape[1:]), rows.dtype)])
            piece = np.ascontiguousarray(piece, self._input.dtype)
            outputs = self.engine.execute({self._input.name: piece})
            found.append({name: array[:count] for name, array in outputs.items()})
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}

    def output(self, outputs: dict[str, Array], name: str) -> Array:
        """One of `outputs` by name, float32; the only one has any name.

        Raises:
            FileError: there is none of that name.
        """
        if name not in outputs and len(outputs) > 1:
            raise FileError(
                f"part {self.name} of the bundle has no output {name!r}",
                outputs=", ".join(sorted(outputs)),
            )
        array = outputs.get(name, next(iter(outputs.values())))
        return array.astype(np.float32, copy=False)


def load_parts(bundle: Bundle, names: tuple[str, ...], *, threads: int = 0) -> dict[str, Part]:
    """Load the named parts of a bundle, all or none.

    Raises:
        FileError: the bundle lacks one.
        EngineMismatch, MissingPackage, MachineError: as `engines.open_engine`.
    """
    missing = [name for name in names if name not in bundle.parts]
    if missing:
        raise FileError(
            f"the bundle lacks the part its head {bundle.manifest.head.kind} needs",
            bundle=bundle.folder,
            part=missing[0],
            fix="edgecv.build.parts.add_part(bundle, name, model) with the ONNX file of that stage",
        )
    parts: dict[str, Part] = {}
    try:
        for name in names:
            inside = bundle.parts[name]
            engine = open_engine(inside, threads=threads)
            parts[name] = Part(name, engine, inside.manifest.batch)
    except BaseException:
        for part in parts.values():
            part.engine.close()
        raise
    return parts
