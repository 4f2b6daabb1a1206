"""`edgecv check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import RUNS, JsonOpt, QuietOpt, RunsOpt, SetOpt, emit, user_errors

ModelArg = Annotated[Path, typer.Argument(metavar="MODEL.onnx|RECIPE", help="What to check.")]
TargetOpt = Annotated[
    str, typer.Option("--target", help="TensorRT-RTX compute capabilities: sm86,sm89,sm120.")
]


def check(
    model: ModelArg,
    target: TargetOpt = "",
    runs: RunsOpt = RUNS,
    overrides: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Name the nodes TensorRT refuses, with the rewrite for each.

    Parses and builds with every TensorRT flavour installed here, in processes of their own.
    Exit code 0: all build; 2: something is refused; 3: no TensorRT is installed.
    """
    with user_errors(quiet):
        from edgecv.check import as_text, require_buildable
        from edgecv.check import check as run

        report = run(model, targets=target.split(","), runs=runs, overrides=overrides or ())
        emit(report, as_json, lambda: as_text(report))
        require_buildable(report)
