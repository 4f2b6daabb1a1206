"""`edgecv report BUNDLE…`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import JsonOpt, QuietOpt, emit, user_errors


def report(
    bundles: Annotated[list[Path], typer.Argument(help="Bundle folders.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("report"),
    picture: Annotated[
        list[Path] | None, typer.Option("--picture", help="PNG or JPEG to show. Repeatable.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Heading of the page.")] = "",
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Write the trade-off of bundles: report.html, pareto.png, report.json.

    Reads each bundle's manifest, accuracy.json (`edgecv evaluate`) and latency.json
    (`edgecv bench`); what was not measured stays empty.
    """
    with user_errors(quiet):
        from edgecv.report import collect, folders, table
        from edgecv.report import report as write

        found = folders(bundles)
        record = write(found, out, pictures=picture or (), title=title)
        emit(record, as_json, lambda: f"{table(collect(found))}\n\nreport  {out / 'report.html'}")
