"""`edgecv VERB …`. The verbs' modules are light: heavy imports wait inside the verb."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

VERBS = (
    "zoo",
    "init",
    "train",
    "export",
    "check",
    "calibrate",
    "build",
    "run",
    "evaluate",
    "bench",
    "compare",
    "prune",
    "compress",
    "inspect",
    "report",
    "doctor",
    "demo",
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from edgecv._version import __version__

        typer.echo(f"edgecv {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, export, calibrate, build, run and measure vision models on edge GPUs and CPUs."""


for _verb in VERBS:
    app.command(name=_verb)(getattr(import_module(f"edgecv.cli.{_verb}"), _verb))
