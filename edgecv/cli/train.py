"""`edgecv train RECIPE`."""

from __future__ import annotations

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

ResumeOpt = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")]
ForceOpt = Annotated[bool, typer.Option("--force", help="Start over, whatever is there.")]
DeviceOpt = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


def train(
    recipe: RecipeArg,
    resume: ResumeOpt = False,
    force: ForceOpt = False,
    device: DeviceOpt = "auto",
    overrides: SetOpt = None,
    runs: RunsOpt = RUNS,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Train a network; a killed training goes on with --resume as if nothing had happened.

    Writes RUNS/<run-id>/weights.safetensors, train.jsonl and checkpoint.pt.
    """
    with user_errors(quiet):
        from edgecv.pipeline import run_folder
        from edgecv.recipe import find_recipe, load_recipe
        from edgecv.train import train as run

        path = find_recipe(recipe)
        folder = run_folder(runs, path)
        options = {"resume": resume, "force": force}
        done = run(load_recipe(path, overrides or ()), folder, device=device, **options)
        emit(done, as_json, lambda: f"weights  {done['weights']}")
