"""`edgecv evaluate`: options reach the stage, and a gate that failed is exit 4."""

import json
from pathlib import Path

from edgecv.errors import FileError, GateFailed

WRITTEN = {
    "n": 3,
    "metric": "top-1",
    "value": 0.75,
    "all": {"top-1": {"value": 0.75, "interval": [0.5, 1.0]}},
    "reference": None,
}


def test_options_reach_the_stage(stage, edgecv):
    evaluate = stage("edgecv.evaluate:evaluate", WRITTEN)
    words = "--data D --reference F --images 5 --max-drop 0.01 -q".split()
    assert edgecv("evaluate", "B", *words).exit_code == 0
    assert edgecv("evaluate", "B").exit_code == 0
    assert evaluate.asked == [
        {
            "bundle": Path("B"),
            "data": Path("D"),
            "reference": Path("F"),
            "images": 5,
            "max_drop": 0.01,
        },
        {"bundle": Path("B"), "data": None, "reference": None, "images": 0, "max_drop": None},
    ]
    assert evaluate.quiet == [True, False]


def test_json_and_text(stage, edgecv):
    stage("edgecv.evaluate:evaluate", WRITTEN)
    assert json.loads(edgecv("evaluate", "B", "--json").stdout) == WRITTEN
    said = edgecv("evaluate", "B").stdout.splitlines()
    assert said == ["top-1         0.7500  [0.5000, 1.0000]  n=3", "accuracy  B/accuracy.json"]


def test_exit_codes(stage, edgecv):
    stage("edgecv.evaluate:evaluate", GateFailed("top-1 drops by more than 0.01"))
    done = edgecv("evaluate", "B", "--max-drop", 0.01, "--json")
    assert (done.exit_code, done.stdout) == (4, "")
    assert "drops by more" in done.stderr
    stage("edgecv.evaluate:evaluate", FileError("bundle not found"))
    assert edgecv("evaluate", "B").exit_code == 2
    assert edgecv("evaluate", "B", "--images", -1).exit_code == 2
    assert edgecv("evaluate", "B", "--max-drop", -0.1).exit_code == 2
