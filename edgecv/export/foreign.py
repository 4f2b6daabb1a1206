"""A foreign ONNX file as the source of a run."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from edgecv.errors import RecipeError
from edgecv.export.parity import in_batches
from edgecv.export.record import Arrays, Source
from edgecv.export.roles import check_roles
from edgecv.files import sha256_file
from edgecv.graph.adopt import adopt, image_input
from edgecv.graph.lower import lower_opset
from edgecv.graph.parity import Reference
from edgecv.graph.read import load_graph, opset, tensors
from edgecv.recipe import Export, Recipe

_CHUNK = 8  # images per run of an original whose batch is free


def adopt_foreign(recipe: Recipe, section: Export, asked: int | None) -> Source:
    """Bring the file of `recipe.model` into the normal form; it is held to the file's outputs.

    Args:
        recipe: Its `model` names the file.
        section: The export section.
        asked: An opset to write the graph in if it has a newer one; None: as it is.

    Raises:
        FileError: the file is missing, broken or hostile.
        UnsupportedModel: it cannot be adopted.
        RecipeError: the recipe's input or head does not fit it.
    """
    if recipe.model is None:
        raise RecipeError("the recipe names no foreign model", fix="model: {file: MODEL.onnx}")
    original = load_graph(recipe.model.file)
    name = image_input(original, recipe.model.input).name
    given = tensors(original)[0][0].shape
    _check_channels(recipe, given)
    model = adopt(
        original,
        batch=section.batches,
        input_size=recipe.input.size,
        image=recipe.model.input,
        tool=section.simplify,
    )
    if asked is not None and opset(model) > asked:
        lower_opset(model, asked)
    check_roles(recipe, tensors(model)[1])
    size = given[0] if given[0] > 0 else _CHUNK

    def reference(images: npt.NDArray[Any]) -> Arrays:
        run = Reference(original)
        return in_batches(lambda part: run({name: part}), images, size)

    facts = {
        "weights": {"source": "foreign model"},
        "weights_digest": sha256_file(recipe.model.file),
        "foreign": {"file": recipe.model.file.name, "opset": opset(original)},
    }
    return Source(model, reference, "the foreign file", facts)


def _check_channels(recipe: Recipe, shape: tuple[int, ...]) -> None:
    if shape[1] != recipe.input.channels:
        raise RecipeError(
            "the recipe's colour does not fit the graph's input",
            color=recipe.input.color,
            recipe_channels=recipe.input.channels,
            graph_channels=shape[1],
            fix="set input.color (gray has one channel, rgb and bgr three)",
        )
