"""A network of the zoo as the source of a run: weights in, traced by torch's dynamo exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import MissingPackage, RecipeError
from edgecv.export.parity import in_batches
from edgecv.export.record import Arrays, Source
from edgecv.export.roles import check_roles
from edgecv.export.trace import Trace, trace
from edgecv.export.weights import load
from edgecv.graph.adopt import infer, name_nodes
from edgecv.graph.read import tensors
from edgecv.graph.simplify import simplify
from edgecv.pipeline import RunFolder
from edgecv.recipe import Export, Recipe

_CHUNK = 8  # images per forward pass of the reference


def export_network(
    recipe: Recipe, section: Export, run: RunFolder, weights: Path | str | None
) -> Source:
    """Export the recipe's architecture with its weights; it is held to torch's outputs.

    Raises:
        StaleError: the weights were trained by another recipe.
        FileError: no weights, or they do not fit the network.
        UnsupportedModel: torch cannot export the network.
        RecipeError: the network has no output for a role of the head.
        ShapeError: the network does not take pictures of the recipe's size.
    """
    try:
        import torch
    except ImportError as err:
        raise MissingPackage("torch", "export", needed_for="exporting a network") from err
    if recipe.arch is None:
        raise RecipeError("the recipe names no architecture", fix="arch: {name: NAME}")
    network, facts = load(recipe, run, weights)
    names = {role: recipe.head.tensor(role) for role in recipe.head.roles}
    _check_outputs(network, recipe, names)
    shape = (recipe.input.channels, *recipe.input.size)
    model = trace(network, Trace(names, shape, section.batches, section.opset))
    simple = simplify(model, section.simplify)
    model = infer(simple.model)
    name_nodes(model)
    check_roles(recipe, tensors(model)[1])
    facts["simplify"] = {"asked": section.simplify, "used": simple.tool, "reason": simple.reason}

    def forward(images: npt.NDArray[Any]) -> Arrays:
        with torch.inference_mode():
            raw = network(torch.from_numpy(np.ascontiguousarray(images)))
        return {name: raw[role].numpy() for role, name in names.items()}

    def reference(images: npt.NDArray[Any]) -> Arrays:
        return in_batches(forward, images, min(_CHUNK, len(images)))

    return Source(model, reference, "torch", facts)


def _check_outputs(network: Any, recipe: Recipe, names: dict[str, str]) -> None:
    """Run once: a size the network refuses, or a role it lacks, is told before the export."""
    import torch

    from edgecv.zoo.sizes import check_input

    shape = (1, recipe.input.channels, *recipe.input.size)
    try:
        with torch.inference_mode():
            raw = network(torch.zeros(shape))
    except Exception:
        check_input(network, shape)  # says which size would do, where the size is the reason
        raise
    missing = [role for role in names if role not in raw]
    if missing:
        raise RecipeError(
            f"the network has no output {missing[0]!r} that head {recipe.head.kind} needs",
            outputs=", ".join(raw),
        )
