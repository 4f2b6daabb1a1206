"""What export.json holds: provenance and parity."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import numpy.typing as npt

from edgecv.export.images import Images
from edgecv.graph.read import opset, tensors
from edgecv.recipe import Export, Recipe

Arrays = dict[str, npt.NDArray[Any]]
_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime", "onnxslim", "onnxsim")


class Source(NamedTuple):
    """An exported graph and what it must agree with.

    Attributes:
        model: The graph, in the normal form of `graph.adopt`.
        reference: (N, C, H, W) float32 -> the outputs expected, by their names in the graph.
        against: What the reference is ("torch").
        facts: Entries of export.json that only the source knows.
    """

    model: Any
    reference: Callable[[npt.NDArray[Any]], Arrays]
    against: str
    facts: dict[str, Any]


class Gap(NamedTuple):
    """How far one output of the graph lies from the reference, over all inputs and batch sizes."""

    name: str
    absolute: float
    relative: float


def sizes(batches: tuple[int, int, int]) -> list[int]:
    """Batch sizes at which parity is measured: the smallest and the largest."""
    return sorted({batches[0], batches[2]})


def record_of(
    recipe: Recipe, section: Export, source: Source, images: Images, gaps: list[Gap]
) -> dict[str, Any]:
    """The contents of export.json; `model_digest` is filled in once the model is written."""
    inputs, outputs = tensors(source.model)
    return {
        "schema_version": 1,
        "passed": True,
        "model_digest": "",
        "recipe_digest": recipe.digest("export"),
        **source.facts,
        "opset": opset(source.model),
        "batch": list(section.batches),
        "inputs": [item.model_dump(mode="json") for item in inputs],
        "outputs": [item.model_dump(mode="json") for item in outputs],
        "parity": {
            "against": source.against,
            "limit": section.parity,
            "images": len(images.arrays),
            "inputs": images.origin,
            "batches": sizes(section.batches),
            "outputs": [_written(gap) for gap in gaps],
        },
        "versions": _versions(),
    }


def _written(gap: Gap) -> dict[str, str | float | None]:
    """JSON knows no infinity: an output that is not finite where its reference is, is null."""
    numbers = {"absolute": gap.absolute, "relative": gap.relative}
    return {"name": gap.name} | {k: v if math.isfinite(v) else None for k, v in numbers.items()}


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
