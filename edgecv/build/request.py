"""What a user asks `edgecv build` for, and which kind of thing it is to be built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgecv.build.assemble import build
from edgecv.build.foreign import adopt_foreign, forgotten_if_unfit
from edgecv.build.inputs import QUANTIZED
from edgecv.build.rebuild import rebuild
from edgecv.bundle import MANIFEST
from edgecv.errors import UsageError
from edgecv.pipeline import RunFolder, run_folder
from edgecv.recipe import Recipe, find_recipe, load_recipe

Calibrator = Callable[[Recipe, RunFolder, Path], object]


@dataclass(frozen=True)
class Request:
    """One call of `edgecv build`.

    Attributes:
        source: A bundle folder, an ONNX file, or a recipe (path or shipped name).
        runs: Root of the run folders.
        precision: Empty: the recipe's.
        backend: Empty: the recipe's, or the bundle's own.
        targets: TensorRT-RTX compute capabilities; empty: the recipe's, or the bundle's own.
        out: The bundle's folder; None: in the run folder.
        force: Build even if the bundle is up to date.
        overrides: `section.key=value`.
        answers: For an ONNX file: task, head, and keys of the input section.
        data: For an ONNX file and int8: a folder of images to calibrate on.
    """

    source: Path
    runs: Path
    precision: str = ""
    backend: str = ""
    targets: tuple[str, ...] = ()
    out: Path | None = None
    force: bool = False
    overrides: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    data: Path | None = None


def fulfil(request: Request, calibrate: Calibrator) -> Path:
    """Build what is asked for; returns the bundle's folder.

    Args:
        request: What the user asked.
        calibrate: Measures ranges over a folder of images (the calibrate stage, which this one
            does not import).

    Raises:
        UsageError: an option does not go with what is built from.
        EdgecvError: as `build`, `rebuild` and `adopt_foreign`.
    """
    overrides = list(request.overrides)
    if request.targets:
        overrides.append(f"build.targets=[{', '.join(request.targets)}]")
    source, foreign = request.source, request.source.suffix.lower() == ".onnx"
    if not foreign and (request.data or any(request.answers.values())):
        raise UsageError("--task, --head, --data and the input options go with an ONNX file only")
    if source.is_dir():
        return _rebuilt(request)
    if foreign:
        run = run_folder(request.runs, source)
        with forgotten_if_unfit(run):
            recipe = adopt_foreign(source, run, request.answers, overrides)
            if request.data and (request.precision or recipe.build.precision) in QUANTIZED:
                calibrate(recipe, run, request.data)
            return _built(request, recipe, run)
    path = find_recipe(source)
    return _built(request, load_recipe(path, overrides), run_folder(request.runs, path))


def _built(request: Request, recipe: Recipe, run: RunFolder) -> Path:
    return build(
        recipe,
        run,
        request.precision or None,
        backend=request.backend,
        out=request.out,
        force=request.force,
    )


def _rebuilt(request: Request) -> Path:
    if not (request.source / MANIFEST).is_file():
        raise UsageError("the folder is no bundle", folder=request.source, lacks=MANIFEST)
    return rebuild(
        request.source,
        backend=request.backend,
        targets=request.targets,
        out=request.out,
        precision=request.precision or None,
        overrides=request.overrides,
    )


def pair(text: str) -> list[int] | None:
    """`224x320` -> [224, 320] (height, width); `224` -> [224, 224]; empty -> None.

    Raises:
        UsageError: it is neither.
    """
    sides = text.lower().split("x")
    if not text:
        return None
    if len(sides) > 2 or not all(side.isdigit() for side in sides):
        raise UsageError("a size is HEIGHTxWIDTH in pixels", got=text, fix="--size 224x224")
    return [int(side) for side in (sides if len(sides) == 2 else sides * 2)]


def numbers(text: str) -> list[float] | None:
    """`123.7,116.3,103.5` -> floats; empty -> None.

    Raises:
        UsageError: one of them is no number.
    """
    try:
        return [float(part) for part in text.split(",")] if text else None
    except ValueError as err:
        raise UsageError("expected numbers with commas between", got=text) from err
