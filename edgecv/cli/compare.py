"""`edgecv compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import RUNS, JsonOpt, QuietOpt, RunsOpt, SetOpt, emit, user_errors

PathsArg = Annotated[
    list[Path], typer.Argument(metavar="RECIPE|BUNDLE BUNDLE…", help="The first is the reference.")
]
CostsOpt = Annotated[
    bool, typer.Option("--costs", help="What each int8 node costs: it alone left in float.")
]
ImagesOpt = Annotated[int, typer.Option("--images", min=1, help="Held-out pictures to compare on.")]


def compare(
    paths: PathsArg,
    images: ImagesOpt = 16,
    costs: CostsOpt = False,
    runs: RunsOpt = RUNS,
    overrides: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Compare torch, ONNX and engines from picture to result; name what diverges.

    Exit code 4: a step that should compute the same does not (a lower precision may differ).
    """
    with user_errors(quiet):
        from edgecv.compare import compare as run
        from edgecv.compare import require_parity
        from edgecv.compare.text import as_text

        report = run(paths, images=images, runs=runs, overrides=overrides or (), costs=costs)
        emit(report, as_json, lambda: as_text(report))
        require_parity(report)
