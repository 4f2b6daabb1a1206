"""Errors become exit codes and one message; bugs keep their traceback."""

import json

import pytest
import typer
from typer.testing import CliRunner

from edgecv import errors, progress
from edgecv.cli.options import emit, user_errors

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
