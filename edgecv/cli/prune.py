"""`edgecv prune`."""

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

ByOpt = Annotated[str, typer.Option("--by", help="l1, l2, activation, apoz (filters), or 2:4.")]
ShareOpt = Annotated[float, typer.Option(help="Share of every layer's filters that goes.")]
MultipleOpt = Annotated[int, typer.Option(min=1, help="Widths left are multiples of this.")]


def prune(
    recipe: RecipeArg,
    by: ByOpt = "l2",
    share: ShareOpt = 0.5,
    steps: RetrainOpt = 0,
    multiple: MultipleOpt = 4,
    backend: MeasurerOpt = "auto",
    measured: MeasureOpt = True,
    out: RecipeOutOpt = None,
    runs: RunsOpt = RUNS,
    overrides: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Remove filters (or 2 of every 4 weights), retrain, and measure before and after.

    Writes a recipe of the slim network with its own run folder; every other verb takes it.
    """
    with user_errors(quiet):
        from edgecv.pipeline import run_folder
        from edgecv.recipe import find_recipe, load_recipe
        from edgecv.slim.measure import table
        from edgecv.slim.prune import Pruning
        from edgecv.slim.prune import prune as run_prune

        path = find_recipe(recipe)
        run = run_folder(runs, path)
        name = f"{run.run_id}-{by.replace(':', '')}" + ("" if ":" in by else f"-{share * 100:.0f}")
        options = Pruning(by, share, steps, 256, multiple, backend, measured)  # type: ignore[arg-type]
        target = out or runs / "slim" / f"{name}.yaml"
        record = run_prune(load_recipe(path, overrides or ()), run, options, target)
        emit(record, as_json, lambda: f"{table(record['rows'])}\nrecipe  {record['recipe']}")
