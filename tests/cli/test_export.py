"""`edgecv export`: the recipe is found and read with its overrides, then exported."""

import json
from pathlib import Path

from edgecv.errors import GateFailed
from edgecv.recipe import find_recipe, load_recipe

RECORD = {
    "opset": 17,
    "batch": [1, 1, 1],
    "parity": {
        "outputs": [{"name": "logits", "absolute": 1e-6, "relative": 2e-6}],
        "limit": 1e-4,
        "against": "torch",
        "images": 3,
        "inputs": "training pictures",
    },
}


def test_options_reach_the_stage(stage, edgecv):
    export = stage("edgecv.export:export", RECORD)
    words = "--weights random:1 --out O/m.onnx --opset 18 --runs R -q".split()
    assert edgecv("export", "tiny/resnet", *words, "--set", "export.opset=20").exit_code == 0
    assert edgecv("export", "tiny/resnet").exit_code == 0
    first, second = export.asked
    shipped = find_recipe(Path("tiny/resnet"))
    assert first.pop("recipe") == load_recipe(shipped, ["export.opset=20"])
    assert first.pop("run").path == Path("R/tiny-resnet")
    assert first == {"weights": "random:1", "out": Path("O/m.onnx"), "opset": 18}
    assert second.pop("recipe") == load_recipe(shipped)
    assert second.pop("run").path == Path("runs/tiny-resnet")
    assert second == {"weights": None, "out": None, "opset": None}
    assert export.quiet == [True, False]


def test_json_and_text(stage, edgecv):
    stage("edgecv.export:export", RECORD)
    assert json.loads(edgecv("export", "tiny/resnet", "--json").stdout) == RECORD
    said = edgecv("export", "tiny/resnet").stdout
    assert said.startswith("model   runs/tiny-resnet/model.onnx  opset 17")
    said = edgecv("export", "tiny/resnet", "--out", "O.onnx").stdout
    assert said.startswith("model   O.onnx  opset 17")


def test_exit_codes(stage, edgecv):
    export = stage("edgecv.export:export", GateFailed("the model does not compute the same"))
    assert edgecv("export", "tiny/resnet").exit_code == 4
    done = edgecv("export", "tiny/resnett")
    assert (done.exit_code, "tiny/resnet" in done.stderr) == (2, True)
    assert edgecv("export", "tiny/resnet", "--set", "export.opzet=17").exit_code == 2
    assert len(export.asked) == 1
