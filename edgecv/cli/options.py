"""Options and rules that verbs share: a verb parses, calls one function, prints its result."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

RecipeArg = Annotated[Path, typer.Argument(help="Recipe (YAML), or the name of a shipped one.")]
BundleArg = Annotated[Path, typer.Argument(help="Bundle folder, e.g. runs/x/int8-openvino.")]
RunsOpt = Annotated[Path, typer.Option("--runs", "-r", help="Folder the artifacts live in.")]
SetOpt = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a recipe value: section.key=value. Repeatable."),
]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
QuietOpt = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
# of the verbs that make a network smaller
RecipeOutOpt = Annotated[Path | None, typer.Option("--out", "-o", help="The recipe to write.")]
RetrainOpt = Annotated[int, typer.Option(min=0, help="Retraining; 0: half of the recipe's.")]
MeasureOpt = Annotated[bool, typer.Option("--measure/--no-measure", help="Accuracy, latency.")]
MeasurerOpt = Annotated[str, typer.Option(help="Engine that measures.")]
RUNS = Path("runs")
# a test holds these equal to head.TASKS and head.HEADS, which are slow to import
HELP = {
    "task": "classify, detect, pose, segment, instance or features.",
    "head": "What its outputs mean: classify, centernet, dense, anchors, yolo_v1, yolo_v3, "
    "heatmap, integral, paf, segment, two_stage, two_stage_masks, yolact, keypoints or features "
    "(docs/own-model.md).",
}


@contextmanager
def user_errors(quiet: bool = False) -> Iterator[None]:
    """Turn an EdgecvError into its message and exit code; let bugs keep their traceback.

    Ctrl-C exits 130; a reader that closed stdout (`| head`) is not an error.
    """
    from edgecv.errors import EdgecvError
    from edgecv.progress import set_quiet

    set_quiet(quiet)
    try:
        yield
    except EdgecvError as err:
        typer.secho(f"error: {_as_typed(str(err))}", err=True, fg=typer.colors.RED)
        raise typer.Exit(err.exit_code) from None
    except ModuleNotFoundError as err:
        text = _missing(err.name or "")
        if not text:
            raise  # a module of edgecv or of a package itself: a bug
        typer.secho(f"error: {text}", err=True, fg=typer.colors.RED)
        raise typer.Exit(3) from None
    except KeyboardInterrupt:
        typer.secho("interrupted: what was complete is kept", err=True)
        raise typer.Exit(130) from None
    except OSError as err:
        if isinstance(err, BrokenPipeError):
            raise typer.Exit(0) from None
        where = f" {err.filename}" if err.filename else ""
        typer.secho(f"error: {err.strerror or err}{where}", err=True, fg=typer.colors.RED)
        raise typer.Exit(5) from None


def _as_typed(text: str) -> str:
    """An error whose `fix:` names this user's recipe or bundle instead of RECIPE and BUNDLE.

    The command then works as it stands: it carries the user's --runs and --set too.
    """
    given = _given()
    before, fix, after = text.rpartition("\n  fix: ")
    recipe = next((given[key] for key in ("recipe", "source", "model") if given.get(key)), None)
    if fix and recipe and not Path(recipe).is_dir():
        words = [
            str(recipe),
            *(["--runs", str(given["runs"])] if given.get("runs", RUNS) != RUNS else []),
        ]
        for item in given.get("overrides") or given.get("sets") or ():
            words += ["--set", item]
        after = re.sub(r"(?<=edgecv )(\w+) RECIPE\b", rf"\1 {_quoted(words)}", after)
    if fix and given.get("bundle"):
        after = re.sub(r"(?<=edgecv )(\w+) BUNDLE\b", rf"\1 {_quoted([given['bundle']])}", after)
    return before + fix + after


def _given() -> dict[str, Any]:
    """The running verb's parameters as typed; none outside of one."""
    from importlib import import_module

    from typer import main  # has click inside; before 0.2x click was a package of its own

    found = getattr(main, "get_current_context", None)
    found = found or import_module("click").get_current_context
    context = found(silent=True)
    return context.params if context else {}


def _quoted(words: list[Any]) -> str:
    """For a shell, and for `re.sub`."""
    return shlex.join(map(str, words)).replace("\\", r"\\")


def _missing(module: str) -> str:
    """What to say of a module that is not installed; empty if no extra of edgecv brings it."""
    from edgecv.doctor.packages import PACKAGES
    from edgecv.errors import MissingPackage

    root = module.partition(".")[0]
    known = next((p for p in PACKAGES if p.module.partition(".")[0] == root and p.extra), None)
    return str(MissingPackage(known.name, known.extra, needed_for="this verb")) if known else ""


def emit(value: Any, as_json: bool, text: Callable[[], str]) -> None:
    """Print a result: JSON when asked for, else `text()`."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False) if as_json else text())
