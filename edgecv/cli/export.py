"""`edgecv export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import (
    RUNS,
    JsonOpt,
    QuietOpt,
    RecipeArg,
    RunsOpt,
    SetOpt,
    emit,
    user_errors,
)

WeightsOpt = Annotated[
    str,
    typer.Option(help="A file, torchvision:IMAGENET1K_V1, timm:TAG, an address, random:SEED."),
]
OutOpt = Annotated[Path | None, typer.Option("--out", "-o", help="Write the model here.")]
OpsetOpt = Annotated[int | None, typer.Option(help="17..25; 17 for TensorRT 8.5 and 8.6.")]


def export(
    recipe: RecipeArg,
    weights: WeightsOpt = "",
    out: OutOpt = None,
    opset: OpsetOpt = None,
    runs: RunsOpt = RUNS,
    overrides: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Write RUNS/<recipe>/model.onnx and check that it computes what the network does.

    Reads the run's weights.safetensors; export.json records parity and provenance.
    """
    with user_errors(quiet):
        from edgecv.export import export as run_export
        from edgecv.export.show import summary
        from edgecv.pipeline import run_folder
        from edgecv.recipe import find_recipe, load_recipe

        path = find_recipe(recipe)
        run = run_folder(runs, path)
        record = run_export(
            load_recipe(path, overrides or ()), run, weights=weights or None, out=out, opset=opset
        )
        emit(record, as_json, lambda: summary(record, out or run.model))
