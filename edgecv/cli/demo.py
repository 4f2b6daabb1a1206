"""`edgecv demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgecv.cli.options import RUNS, JsonOpt, QuietOpt, RunsOpt, SetOpt, emit, user_errors


def demo(
    runs: RunsOpt = RUNS,
    backend: Annotated[
        str, typer.Option("--backend", help="auto, openvino, onnxruntime or tensorrt.")
    ] = "auto",
    overrides: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Run the whole path on the built-in scenes: train to report, minutes on two CPU cores.

    What is done and fresh is skipped. Writes RUNS/tiny-centernet, RUNS/tiny-resnet, RUNS/demo.
    """
    with user_errors(quiet):
        from edgecv.demo import demo as walk
        from edgecv.report import collect, table

        made = walk(runs, backend=backend, overrides=overrides or ())  # type: ignore[arg-type]
        rows = collect(made.bundles)
        record = {"rows": [row._asdict() for row in rows], "report": str(made.report)}
        emit(
            record,
            as_json,
            lambda: (
                f"{table(rows)}\n\npictures  {made.pictures[0].parent}\n"
                f"video     {made.video}\nreport    {made.report}"
            ),
        )
