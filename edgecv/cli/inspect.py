"""`edgecv inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgecv.cli.options import BundleArg, JsonOpt, QuietOpt, emit, user_errors

LayersOpt = Annotated[bool, typer.Option("--layers", help="List every layer of the engine.")]


def inspect(
    bundle: BundleArg,
    layers: LayersOpt = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Show a bundle: precision asked and achieved, layers, sizes, where it can run."""
    with user_errors(quiet):
        from edgecv.inspect import as_text
        from edgecv.inspect import inspect as run

        report = run(bundle)
        if as_json and not layers:
            del report["layers"]
        emit(report, as_json, lambda: as_text(report, layers=layers))
