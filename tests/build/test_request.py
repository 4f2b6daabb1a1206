"""`edgecv build` finds out what it is given, and says what does not go together."""

import json

import onnx
import pytest
from typer.testing import CliRunner

from edgecv.build import build
from edgecv.build.request import numbers, pair
from edgecv.bundle import open_bundle
from edgecv.cli.app import app
from edgecv.errors import UsageError


@pytest.fixture
def run_verb(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*arguments):
        return runner.invoke(app, ["build", *map(str, arguments)])

    return run


@pytest.fixture
def foreign(tmp_path, tiny):
    path = tmp_path / "theirs.onnx"
    onnx.save(tiny(), path)
    return path


def test_a_recipe_becomes_a_bundle(make_run, run_verb):
    made = make_run()
    done = run_verb(made.file, "--precision", "fp32", "--backend", "openvino", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["bundle"].endswith("runs/tiny/fp32-openvino")
    assert "openvino" in told["runs_on"]


def test_an_onnx_file_becomes_a_bundle(foreign, run_verb, tmp_path):
    done = run_verb(
        *(foreign, "--task", "classify", "--precision", "fp32", "--backend", "onnxruntime"),
        *("--mean", "127.5,127.5,127.5", "--std", "63,63,63", "--resize", "stretch"),
    )
    assert done.exit_code == 0, done.output
    manifest = open_bundle(tmp_path / "runs/theirs/fp32-onnxruntime").manifest
    assert manifest.task == "classify"
    assert manifest.input.size == (16, 16)
    assert manifest.input.std == (63.0, 63.0, 63.0)
    assert manifest.head.tensor("logits") == "logits"
    assert (tmp_path / "runs/theirs/recipe.yaml").is_file()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--precision", "fp32"], 2, "add --task"),
        (["--precision", "fp32", "--task", "clasify"], 2, "classify"),
        (["--precision", "fp32", "--task", "detect"], 2, "--head"),
        (["--precision", "fp32", "--task", "detect", "--head", "densse"], 2, "dense"),
        (["--precision", "fp32", "--head", "centernet"], 2, "which output plays which role"),
        (["--precision", "fp32", "--task", "classify", "--size", "big"], 2, "--size 224x224"),
        (["--precision", "fp32", "--task", "classify", "--mean", "1,x"], 2, "numbers"),
        (["--precision", "fp32", "--task", "classify", "--size", "8x8"], 2, "size"),
        (["--precision", "int8", "--task", "classify"], 2, "edgecv calibrate"),
        (["--task", "classify"], 2, "needs a precision"),
    ],
)
def test_what_is_missing_is_asked_for(foreign, run_verb, options, code, says):
    done = run_verb(foreign, "--backend", "onnxruntime", *options)
    assert done.exit_code == code, done.output
    assert says in done.output


def test_a_head_says_its_task(foreign, run_verb, tmp_path):
    options = ("--head", "classify", "--precision", "fp32", "--backend", "onnxruntime")
    assert run_verb(foreign, *options).exit_code == 0
    assert open_bundle(tmp_path / "runs/theirs/fp32-onnxruntime").manifest.task == "classify"


def test_what_was_said_once_need_not_be_said_again(foreign, run_verb, tmp_path):
    base = ("--precision", "fp32", "--backend", "onnxruntime")
    bundle = tmp_path / "runs/theirs/fp32-onnxruntime"
    run_verb(foreign, "--task", "classify", "--mean", "1,2,3", "--resize", "stretch", *base)
    first = open_bundle(bundle).manifest
    done = run_verb(foreign, *base)
    assert done.exit_code == 0, done.output
    assert "up to date" in done.stderr
    run_verb(foreign, "--std", "9,9,9", *base)
    told = open_bundle(bundle).manifest
    assert first.input.mean == told.input.mean == (1.0, 2.0, 3.0)
    assert told.input.std == (9.0, 9.0, 9.0)
    assert told.task == "classify"


@pytest.mark.parametrize(
    "wrong", [("--size", "8x8"), ("--color", "gray", "--mean", "1", "--std", "1")]
)
def test_a_refused_answer_is_not_remembered(foreign, run_verb, tmp_path, wrong):
    base = ("--task", "classify", "--precision", "fp32", "--backend", "onnxruntime")
    assert run_verb(foreign, *wrong, *base).exit_code == 2
    assert not (tmp_path / "runs/theirs/recipe.yaml").exists()


@pytest.mark.parametrize("source", ["recipe", "bundle"])
def test_an_unknown_backend_names_the_right_one(make_run, run_verb, source):
    made = make_run()
    path = made.file
    if source == "bundle":
        path = build(made.recipe, made.run, "fp32", backend="onnxruntime")
    done = run_verb(path, "--precision", "fp32", "--backend", "openvno")
    assert done.exit_code == 2, done.output
    assert "nearest: openvino" in done.output


def test_options_of_onnx_files_are_refused_elsewhere(make_run, run_verb):
    done = run_verb(make_run().file, "--precision", "fp32", "--task", "classify")
    assert done.exit_code == 2
    assert "go with an ONNX file only" in done.output


@pytest.mark.parametrize(
    ("name", "says"),
    [("nowhere.yaml", "unknown recipe"), ("nowhere.onnx", "not found"), ("folder", "no bundle")],
)
def test_a_source_that_is_nothing_is_said(run_verb, tmp_path, name, says):
    (tmp_path / "folder").mkdir()
    done = run_verb(tmp_path / name, "--precision", "fp32", "--backend", "onnxruntime")
    assert done.exit_code == 2, done.output
    assert says in done.output


def test_sizes_and_numbers_are_read():
    assert (pair("224x320"), pair("64"), pair("")) == ([224, 320], [64, 64], None)
    assert (numbers("1,2.5"), numbers("")) == ([1.0, 2.5], None)
    with pytest.raises(UsageError, match="HEIGHTxWIDTH"):
        pair("1x2x3")
