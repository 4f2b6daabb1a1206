"""`edgecv compress`: options reach the stage; the file and the recipe are named."""

import json
from pathlib import Path

from edgecv.errors import UsageError
from edgecv.recipe import find_recipe, load_recipe
from edgecv.slim.compress import Compression

ROW = {"name": "before", "params": 1000, "nonzero": 900, "macs": 2_500_000, "weight_bytes": 4000}
RECORD = {"rows": [ROW], "file": "R/slim/x/weights.compact", "recipe": "R/slim/x.yaml"}


def test_options_reach_the_stage(stage, edgecv):
    compress = stage("edgecv.slim.compress:compress", RECORD)
    words = "--share 0.25 --conv-bits 6 --dense-bits 4 --steps 7 --backend openvino".split()
    words += "--no-measure -o O.yaml --runs R --set train.steps=9 -q".split()
    assert edgecv("compress", "tiny/resnet", *words).exit_code == 0
    asked = compress.asked[0]
    assert asked["recipe"] == load_recipe(find_recipe(Path("tiny/resnet")), ["train.steps=9"])
    assert asked["run"].path == Path("R/tiny-resnet")
    assert asked["options"] == Compression(0.25, 6, 4, 7, "openvino", False)
    assert asked["out"] == Path("O.yaml")
    assert compress.quiet == [True]


def test_defaults_are_the_papers(stage, edgecv):
    compress = stage("edgecv.slim.compress:compress", RECORD)
    assert edgecv("compress", "tiny/resnet", "--runs", "R").exit_code == 0
    assert compress.asked[0]["options"] == Compression()
    assert compress.asked[0]["out"] == Path("R/slim/tiny-resnet-compact.yaml")


def test_json_and_text(stage, edgecv):
    stage("edgecv.slim.compress:compress", RECORD)
    assert json.loads(edgecv("compress", "tiny/resnet", "--json").stdout) == RECORD
    lines = edgecv("compress", "tiny/resnet").stdout.splitlines()
    assert lines[1].split()[:4] == ["before", "1,000", "900", "2.50"]
    assert lines[-2:] == ["file    R/slim/x/weights.compact", "recipe  R/slim/x.yaml"]


def test_exit_codes(stage, edgecv):
    compress = stage("edgecv.slim.compress:compress", UsageError("0 < share < 1"))
    assert edgecv("compress", "tiny/resnet").exit_code == 2
    assert edgecv("compress", "tiny/nothing").exit_code == 2
    assert len(compress.asked) == 1
