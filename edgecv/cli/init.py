"""`edgecv init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import HELP, JsonOpt, QuietOpt, emit, user_errors


def init(
    model: Annotated[Path, typer.Argument(help="ONNX file that edgecv did not export.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Recipe to write.")] = None,
    task: Annotated[str, typer.Option(help=HELP["task"])] = "",
    head: Annotated[str, typer.Option(help=HELP["head"])] = "",
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH, where the file leaves it open.")] = "",
    mean: Annotated[str, typer.Option(help="Per channel, 0..255: 123.675,116.28,103.53")] = "",
    std: Annotated[str, typer.Option(help="Per channel, 0..255: 58.395,57.12,57.375")] = "",
    color: Annotated[str, typer.Option(help="rgb, bgr or gray.")] = "",
    resize: Annotated[str, typer.Option(help="letterbox, stretch or crop.")] = "",
    names: Annotated[Path | None, typer.Option(help="Text file, one class name a line.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take proposals, ask nothing.")] = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Write a recipe for a foreign ONNX file, asking only for what the file does not say."""
    with user_errors(quiet):
        from edgecv.init import Answers
        from edgecv.init import init as write

        answers = Answers(task, head, size, mean, std, color, resize, names, yes)
        ask = _ask if sys.stdin.isatty() and not yes else None
        file, recipe = write(model, answers, out=out, ask=ask)
        result = {"recipe": str(file), "task": recipe.task, "head": recipe.head.kind}
        emit(result, as_json, lambda: f"recipe  {file}  ({recipe.task}, head {recipe.head.kind})")


def _ask(question: str, proposal: str) -> str:
    return str(typer.prompt(question, default=proposal, err=True))
