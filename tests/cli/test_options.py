"""Errors become exit codes and one message; bugs keep their traceback."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from edgecv import errors, progress
from edgecv.cli.options import RUNS, RunsOpt, SetOpt, emit, user_errors

ENDS = [
    pytest.param(errors.UsageError("rule", fix="do"), 2, "error: rule\n  fix: do\n", id="usage"),
    pytest.param(errors.MachineError("no gpu"), 3, "error: no gpu\n", id="machine"),
    pytest.param(errors.GateFailed("far"), 4, "error: far\n", id="gate"),
    pytest.param(errors.IoFailed("full"), 5, "error: full\n", id="io"),
    pytest.param(OSError(28, "No space left", "x.bin"), 5, "error: No space left x.bin\n", id="os"),
    pytest.param(KeyboardInterrupt(), 130, "interrupted", id="ctrl-c"),
    pytest.param(BrokenPipeError(), 0, "", id="reader-left"),
    pytest.param(
        ModuleNotFoundError("no", name="openvino.runtime"),
        3,
        "needs the package openvino",
        id="extra-missing",
    ),
]


def run(error):
    app = typer.Typer()

    @app.command()
    def verb():
        with user_errors():
            raise error

    return CliRunner().invoke(app, [])


@pytest.mark.parametrize(("error", "code", "text"), ENDS)
def test_error_becomes_its_exit_code_and_message(error, code, text):
    done = run(error)
    assert (done.exit_code, done.stdout) == (code, "")
    assert text in done.stderr if text else done.stderr == ""


@pytest.mark.parametrize(
    ("typed", "fix", "said"),
    [
        pytest.param(
            ["my net.yaml"], "edgecv train RECIPE", "edgecv train 'my net.yaml'", id="plain"
        ),
        pytest.param(
            ["a.yaml", "--runs", "r", "--set", "train.steps=3"],
            "edgecv train RECIPE, or --weights FILE",
            "edgecv train a.yaml --runs r --set train.steps=3, or --weights FILE",
            id="options",
        ),
        pytest.param([r"a\1.yaml"], "edgecv train RECIPE", r"edgecv train 'a\1.yaml'", id="escape"),
        pytest.param(["."], "edgecv build RECIPE", "edgecv build RECIPE", id="folder"),
        pytest.param(["a.yaml"], "edit the RECIPE", "edit the RECIPE", id="no-command"),
    ],
)
def test_a_fix_names_what_the_user_typed(typed, fix, said):
    app = typer.Typer()

    @app.command()
    def verb(recipe: Path, runs: RunsOpt = RUNS, overrides: SetOpt = None):
        with user_errors():
            raise errors.FileError("RECIPE is said", file="RECIPE", fix=fix)

    done = CliRunner().invoke(app, typed)
    assert done.stderr == f"error: RECIPE is said\n  file: RECIPE\n  fix: {said}\n"


def test_a_fix_names_the_bundle_the_user_typed():
    app = typer.Typer()

    @app.command()
    def verb(bundle: Path):
        with user_errors():
            raise errors.UsageError("no data", fix="edgecv evaluate BUNDLE --data FOLDER")

    done = CliRunner().invoke(app, ["runs/x y"])
    assert "fix: edgecv evaluate 'runs/x y' --data FOLDER" in done.stderr


BUGS = [
    pytest.param(KeyError("x"), id="bug"),
    pytest.param(ModuleNotFoundError("no", name="edgecv.missing"), id="module-of-edgecv"),
    pytest.param(errors.EdgecvError("x"), id="unclassified"),
]


@pytest.mark.parametrize("error", BUGS)
def test_bug_is_exit_1(error):
    assert run(error).exit_code == 1


def test_bug_keeps_its_traceback():
    done = run(KeyError("x"))
    assert isinstance(done.exception, KeyError)


def test_quiet_reaches_the_progress():
    with user_errors(True):
        assert progress._quiet
    with user_errors(False):
        assert not progress._quiet


def test_emit_prints_json_or_text(capsys):
    emit({"a": [1]}, True, lambda: "never")
    assert json.loads(capsys.readouterr().out) == {"a": [1]}
    emit({"a": [1]}, False, lambda: "text")
    assert capsys.readouterr().out == "text\n"


def test_help_names_every_task_and_head():
    from edgecv.cli.options import HELP
    from edgecv.head import HEADS, TASKS

    def named(text):
        return text.partition(" (")[0].rstrip(".").replace(" or ", ", ").split(", ")

    assert named(HELP["task"]) == list(TASKS)
    assert named(HELP["head"].partition(": ")[2]) == list(HEADS)
