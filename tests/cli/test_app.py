"""Every verb explains itself, and they all speak alike."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from edgecv._version import __version__
from edgecv.cli.app import VERBS, app

COMMANDS = typer.main.get_command(app).commands


def options(verb):
    return {name for parameter in COMMANDS[verb].params for name in parameter.opts}


@pytest.mark.parametrize("verb", VERBS)
def test_verb_has_help_with_a_first_sentence(verb):
    done = CliRunner().invoke(app, [verb, "--help"])
    assert done.exit_code == 0
    first = COMMANDS[verb].help.strip().splitlines()[0]
    assert first.endswith((".", ":", ",")) or len(first) > 60
    assert len(first) > 20


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_explained(verb):
    silent = [p.name for p in COMMANDS[verb].params if not getattr(p, "help", None)]
    assert not silent


@pytest.mark.parametrize("verb", VERBS)
def test_shared_options_have_one_spelling(verb):
    assert {"--json", "--quiet", "-q"} <= options(verb)


@pytest.mark.parametrize("verb", ["train", "export", "calibrate", "build"])
def test_verbs_of_recipes_take_overrides_and_a_runs_folder(verb):
    assert {"--set", "--runs"} <= options(verb)


def test_version_and_its_exit_code():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"edgecv {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(["trian"], "Did you mean 'train'", id="verb"),
        pytest.param(["build", "x", "--precison", "int8"], "--precision", id="option"),
        pytest.param(["inspect"], "Missing argument", id="argument"),
        pytest.param(["compare", "x", "--images", "0"], "equal to 1", id="range"),
    ],
)
def test_wrong_usage_is_exit_2_with_the_nearest(arguments, text):
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, text in done.output) == (2, True), done.output


def test_closed_reader_is_no_error(root):
    """`edgecv zoo | head -1` ends quietly."""
    command = f"{sys.executable} -m edgecv doctor --json | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=root, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
