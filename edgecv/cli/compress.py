"""`edgecv compress`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgecv.cli.options import (
    RUNS,
    JsonOpt,
    MeasureOpt,
    MeasurerOpt,
    QuietOpt,
    RecipeArg,
    RecipeOutOpt,
    RetrainOpt,
    RunsOpt,
    SetOpt,
    emit,
    user_errors,
)

ShareOpt = Annotated[float, typer.Option(help="Share of every layer's weights that is cut off.")]
ConvOpt = Annotated[int, typer.Option(help="Convolutions share 2^BITS values.")]
DenseOpt = Annotated[int, typer.Option(help="Dense layers share 2^BITS values.")]


def compress(
    recipe: RecipeArg,
    share: ShareOpt = 0.7,
    conv_bits: ConvOpt = 8,
    dense_bits: DenseOpt = 5,
    steps: RetrainOpt = 0,
    backend: MeasurerOpt = "auto",
    measured: MeasureOpt = True,
    out: RecipeOutOpt = None,
    runs: RunsOpt = RUNS,
    overrides: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Deep Compression: cut small weights, share values, Huffman-code; one compact file.

    Writes weights.compact, and a recipe whose weights are what that file decodes to.
    """
    with user_errors(quiet):
        from edgecv.pipeline import run_folder
        from edgecv.recipe import find_recipe, load_recipe
        from edgecv.slim.compress import Compression
        from edgecv.slim.compress import compress as run_compress
        from edgecv.slim.measure import table

        path = find_recipe(recipe)
        run = run_folder(runs, path)
        options = Compression(share, conv_bits, dense_bits, steps, backend, measured)  # type: ignore[arg-type]
        target = out or runs / "slim" / f"{run.run_id}-compact.yaml"
        record = run_compress(load_recipe(path, overrides or ()), run, options, target)
        lines = [table(record["rows"]), f"file    {record['file']}", f"recipe  {record['recipe']}"]
        emit(record, as_json, lambda: "\n".join(lines))
