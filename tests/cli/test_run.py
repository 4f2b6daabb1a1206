"""`edgecv run`: options reach the stage; what it says of a picture, whatever its result's kind."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgecv.cli.run import _json, _text
from edgecv.errors import IoFailed
from edgecv.results import Classes, Keypoints, SegmentationMap

ROW = {"source": "a.png", "frame": 0, "ms": {"pre": 1.0}}
LABELS = np.uint8([[0, 0, 0, 2]])
RESULTS = [
    pytest.param(
        SegmentationMap(LABELS, ("sky", "sea", "cat"), (1, 4)), "sky 0.75, cat 0.25", id="map"
    ),
    pytest.param(
        Classes(np.int64([1]), np.float32([0.5]), ("a", "b"), (4, 4)), "b 0.50", id="classes"
    ),
    pytest.param(
        Keypoints(np.ones((1, 1, 3), np.float32), np.float32([1]), (), (), (4, 4)),
        "person 1.00",
        id="people",
    ),
]


@pytest.mark.parametrize(("result", "text"), RESULTS)
def test_every_kind_of_result_has_a_line(result, text, capsys):
    _text({**ROW, "result": result.to_dict()})
    assert text in capsys.readouterr().out


def test_people_are_told_by_their_scores(capsys):
    people = [{"score": 0.9, "joints": {}}, {"score": 0.25, "joints": {}}]
    _text({**ROW, "result": {"people": people}})
    assert capsys.readouterr().out == "a.png #0  1.0 ms  person 0.90, person 0.25\n"


def test_keypoints_are_counted_in_words(capsys):
    points = [{"xy": [1.5, 2.5], "score": 0.5}] * 3
    _text({**ROW, "result": {"keypoints": points}})
    assert capsys.readouterr().out == "a.png #0  1.0 ms  3 keypoints\n"


def test_nine_boxes_are_eight_and_one_more(capsys):
    boxes = [{"name": f"n{i}", "score": None if i == 1 else 0.5} for i in range(9)]
    _text({**ROW, "ms": {"pre": 1.0, "engine": 2.25}, "result": {"boxes": boxes}})
    said = capsys.readouterr().out
    assert said.startswith("a.png #0  3.2 ms  n0 0.50, n1 0.00, n2 0.50, ")
    assert said.endswith(", n7 0.50, and 1 more\n")


def test_an_empty_picture_has_a_word(capsys):
    _text({**ROW, "result": {"boxes": []}})
    assert capsys.readouterr().out == "a.png #0  1.0 ms  nothing\n"


def test_json_is_one_object_a_line(capsys):
    _json({**ROW, "result": {"boxes": []}})
    said = capsys.readouterr().out
    assert (json.loads(said), said.count("\n")) == ({**ROW, "result": {"boxes": []}}, 1)


def test_options_reach_the_stage(stage, edgecv):
    run = stage("edgecv.run:run", {"frames": 3, "dropped": 1})
    done = edgecv("run", "B", "a.png", "--save", "O", "--show", "--limit", 4, "--json")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "3 frames, 1 dropped  O\n"
    assert edgecv("run", "B", "a.png", "-q").stderr == ""
    asked = {"bundle": Path("B"), "source": "a.png"}
    assert run.asked == [
        {**asked, "save": Path("O"), "show": True, "limit": 4, "each": _json},
        {**asked, "save": None, "show": False, "limit": 0, "each": _text},
    ]
    assert run.quiet == [False, True]


def test_exit_codes(stage, edgecv):
    stage("edgecv.run:run", IoFailed("the disk is full"))
    assert edgecv("run", "B", "a.png").exit_code == 5
    stage("edgecv.run:run", KeyboardInterrupt())
    assert edgecv("run", "B", "a.png").exit_code == 130
    assert edgecv("run", "B").exit_code == 2
