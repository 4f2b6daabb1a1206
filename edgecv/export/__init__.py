"""Stage `export`: a trained network, or a foreign ONNX file, becomes a verified model.onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.errors import GateFailed
from edgecv.export.foreign import adopt_foreign
from edgecv.export.images import parity_images
from edgecv.export.network import export_network
from edgecv.export.parity import measure
from edgecv.export.record import Gap, record_of
from edgecv.files import sha256_file, write_json
from edgecv.graph.read import save_graph
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.recipe import Recipe

__all__ = ["export"]


def export(
    recipe: Recipe,
    run: RunFolder,
    *,
    weights: Path | str | None = None,
    out: Path | None = None,
    opset: int | None = None,
) -> dict[str, Any]:
    """Write the fp32 model.onnx of a recipe and export.json, which says how far it can be trusted.

    The exported graph and its source (torch, or the foreign file) run on the same real inputs;
    `recipe.export.parity` bounds their difference. The input is called `images`, outputs by role
    (a foreign file keeps its names).

    Args:
        recipe: What to export.
        run: Where weights are read and the model is written.
        weights: A weight file instead of the run's, or `random:SEED` for builds and benchmarks.
        out: Write the model here, and its record beside it as `<stem>.export.json`.
        opset: Overrides `recipe.export.opset`. A foreign file keeps its own (17 at least) unless
            an older one is asked for.

    Returns:
        What export.json holds.

    Raises:
        StaleError: the run's weights were trained by another recipe.
        FileError: weights or file are missing, broken or of another network.
        UnsupportedModel: torch cannot export the network, or the file cannot be adopted.
        GateFailed: parity does not hold; export.json says by how much, and has no model digest.
    """
    section = recipe.export if opset is None else with_opset(recipe, opset).export
    asked = section.opset if opset or "opset" in recipe.export.model_fields_set else None
    note(f"export  {run.run_id}: batch {section.batches}")
    images = parity_images(recipe, section.parity_images)
    source = (
        adopt_foreign(recipe, section, asked)
        if recipe.model
        else export_network(recipe, section, run, weights)
    )
    outputs = measure(source, images.arrays, section.batches)
    record = record_of(recipe, section, source, images, outputs)
    model, record_file = run.model, run.export_json
    if out is not None:
        model, record_file = out, out.with_name(f"{out.stem}.export.json")
    _gate(record, outputs, section.parity, record_file)
    save_graph(source.model, model)
    record["model_digest"] = sha256_file(model)
    write_json(record_file, record)
    return record


def with_opset(recipe: Recipe, opset: int) -> Recipe:
    """The recipe with another `export.opset`, through the schema.

    Raises:
        UsageError: an opset the exporter does not write.
    """
    from pydantic import ValidationError

    from edgecv.errors import UsageError

    try:
        section = type(recipe.export).model_validate(recipe.export.model_dump() | {"opset": opset})
    except ValidationError as err:
        raise UsageError("opset must be 17..25", got=opset) from err
    return recipe.model_copy(update={"export": section})


def _gate(record: dict[str, Any], gaps: list[Gap], limit: float, record_file: Path) -> None:
    worst = max(gaps, key=lambda gap: gap.relative)
    if worst.relative <= limit:
        return
    record["passed"] = False
    write_json(record_file, record)
    raise GateFailed(
        f"{record['parity']['against']} and ONNX Runtime disagree on the exported graph",
        output=worst.name,
        max_difference=worst.absolute,
        relative=worst.relative,
        limit=limit,
        measured_in=record_file,
    )
