"""`edgecv init`: answers reach the stage; a person is asked only where one sits."""

import json
from pathlib import Path

import pytest

from edgecv.cli import init as verb
from edgecv.errors import UsageError
from edgecv.init import Answers
from edgecv.recipe import find_recipe, load_recipe


@pytest.fixture
def written():
    return Path("m.yaml"), load_recipe(find_recipe(Path("tiny/resnet")))


def test_options_reach_the_stage(stage, edgecv, written):
    init = stage("edgecv.init:init", written)
    words = "--task classify --head dense --size 8x9 --mean 1 --std 2 --color bgr".split()
    words += "--resize crop --names N.txt --yes -q".split()
    assert edgecv("init", "m.onnx", "-o", "O.yaml", *words).exit_code == 0
    assert edgecv("init", "m.onnx").exit_code == 0
    answers = Answers("classify", "dense", "8x9", "1", "2", "bgr", "crop", Path("N.txt"), True)
    assert init.asked == [
        {"model": Path("m.onnx"), "answers": answers, "out": Path("O.yaml"), "ask": None},
        {"model": Path("m.onnx"), "answers": Answers(), "out": None, "ask": None},
    ]
    assert init.quiet == [True, False]


@pytest.mark.parametrize("yes", [True, False])
def test_a_terminal_is_asked_unless_yes_was_said(stage, written, monkeypatch, yes):
    init = stage("edgecv.init:init", written)
    monkeypatch.setattr(verb.sys.stdin, "isatty", lambda: True, raising=False)
    verb.init(Path("m.onnx"), yes=yes, quiet=True)
    assert init.asked[0]["ask"] is (None if yes else verb._ask)


def test_a_question_shows_its_proposal_on_stderr(monkeypatch):
    asked = []
    monkeypatch.setattr(
        verb.typer, "prompt", lambda text, **options: asked.append((text, options)) or 224
    )
    assert verb._ask("size", "224x224") == "224"
    assert asked == [("size", {"default": "224x224", "err": True})]


def test_json_and_text(stage, edgecv, written):
    stage("edgecv.init:init", written)
    said = json.loads(edgecv("init", "m.onnx", "--json").stdout)
    assert said == {"recipe": "m.yaml", "task": "classify", "head": "classify"}
    assert edgecv("init", "m.onnx").stdout == "recipe  m.yaml  (classify, head classify)\n"


def test_what_is_missing_is_exit_2(stage, edgecv):
    stage("edgecv.init:init", UsageError("the file does not say everything", fix="--mean"))
    done = edgecv("init", "m.onnx", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "fix: --mean" in done.stderr
