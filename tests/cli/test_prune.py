"""`edgecv prune`: options reach the stage; the new recipe is named after what was done."""

import json
from pathlib import Path

import pytest

from edgecv.errors import UsageError
from edgecv.recipe import find_recipe, load_recipe
from edgecv.slim.prune import Pruning

ROW = {"name": "before", "params": 1000, "nonzero": 900, "macs": 2_500_000, "weight_bytes": 4000}
RECORD = {"rows": [ROW], "recipe": "R/slim/x.yaml"}


def test_options_reach_the_stage(stage, edgecv):
    prune = stage("edgecv.slim.prune:prune", RECORD)
    words = "--by apoz --share 0.25 --steps 7 --multiple 8 --backend openvino --no-measure".split()
    words += "-o O.yaml --runs R --set train.steps=9 -q".split()
    assert edgecv("prune", "tiny/resnet", *words).exit_code == 0
    asked = prune.asked[0]
    assert asked["recipe"] == load_recipe(find_recipe(Path("tiny/resnet")), ["train.steps=9"])
    assert asked["run"].path == Path("R/tiny-resnet")
    assert asked["options"] == Pruning("apoz", 0.25, 7, 256, 8, "openvino", False)
    assert asked["out"] == Path("O.yaml")
    assert prune.quiet == [True]


@pytest.mark.parametrize(
    ("words", "options", "name"),
    [
        pytest.param([], Pruning(), "tiny-resnet-l2-50", id="defaults"),
        pytest.param(["--by", "2:4"], Pruning(by="2:4"), "tiny-resnet-24", id="2:4"),
        pytest.param(["--share", "0.3"], Pruning(share=0.3), "tiny-resnet-l2-30", id="share"),
    ],
)
def test_the_recipe_it_writes_is_named_after_what_was_done(stage, edgecv, words, options, name):
    prune = stage("edgecv.slim.prune:prune", RECORD)
    assert edgecv("prune", "tiny/resnet", "--runs", "R", *words).exit_code == 0
    assert prune.asked[0]["options"] == options
    assert prune.asked[0]["out"] == Path("R/slim") / f"{name}.yaml"


def test_json_and_text(stage, edgecv):
    stage("edgecv.slim.prune:prune", RECORD)
    assert json.loads(edgecv("prune", "tiny/resnet", "--json").stdout) == RECORD
    lines = edgecv("prune", "tiny/resnet").stdout.splitlines()
    assert lines[0].split()[:2] == ["network", "params"]
    assert lines[1].split()[:4] == ["before", "1,000", "900", "2.50"]
    assert lines[-1] == "recipe  R/slim/x.yaml"


def test_exit_codes(stage, edgecv):
    prune = stage("edgecv.slim.prune:prune", UsageError("unknown criterion"))
    assert edgecv("prune", "tiny/resnet").exit_code == 2
    assert edgecv("prune", "tiny/resnet", "--multiple", 0).exit_code == 2
    assert edgecv("prune", "tiny/nothing").exit_code == 2
    assert len(prune.asked) == 1
