import json

from typer.testing import CliRunner

from edgecv.bundle import PrecisionRecord
from edgecv.cli.app import app
from edgecv.head import ClassifyHead

WRONG = ClassifyHead(names=("green", "red", "blue"), topk=2)


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_json_is_what_was_written(copied, colours):
    bundle = copied("classify")
    done = run(bundle, "--data", colours, "--json", "--quiet")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads((bundle / "accuracy.json").read_text())


def test_text_names_the_file(copied, colours):
    bundle = copied("classify")
    done = run(bundle, "--data", colours, "--images", 3, "-q")
    assert done.exit_code == 0
    assert "top-1" in done.stdout
    assert str(bundle / "accuracy.json") in done.stdout


def test_a_failed_gate_is_exit_4(copied, colours):
    copied("classify")
    worse = copied(
        "classify", "int8-onnxruntime", precision=PrecisionRecord(asked="int8"), head=WRONG
    )
    done = run(worse, "--data", colours, "--max-drop", 0.01, "-q")
    assert done.exit_code == 4
    assert (worse / "accuracy.json").is_file()


def test_a_missing_bundle_is_exit_2(tmp_path):
    done = run(tmp_path / "none", "-q")
    assert done.exit_code == 2
    assert "bundle not found" in done.stderr
