"""`edgecv train`: the recipe is found and read with its overrides, then trained."""

import json
from pathlib import Path

from edgecv.errors import GateFailed, MachineError
from edgecv.recipe import find_recipe, load_recipe

DONE = {"weights": "runs/tiny-resnet/weights.safetensors", "skipped": False}


def test_options_reach_the_stage(stage, edgecv):
    train = stage("edgecv.train:train", DONE)
    words = "--resume --device cpu --runs R -q --set train.steps=9".split()
    assert edgecv("train", "tiny/resnet", *words).exit_code == 0
    assert edgecv("train", "tiny/resnet", "--force").exit_code == 0
    first, second = train.asked
    shipped = find_recipe(Path("tiny/resnet"))
    assert first.pop("recipe") == load_recipe(shipped, ["train.steps=9"])
    assert first.pop("run").path == Path("R/tiny-resnet")
    assert first == {"resume": True, "force": False, "device": "cpu"}
    assert second.pop("recipe") == load_recipe(shipped)
    assert second.pop("run").path == Path("runs/tiny-resnet")
    assert second == {"resume": False, "force": True, "device": "auto"}
    assert train.quiet == [True, False]


def test_json_and_text(stage, edgecv):
    stage("edgecv.train:train", DONE)
    assert json.loads(edgecv("train", "tiny/resnet", "--json").stdout) == DONE
    assert edgecv("train", "tiny/resnet").stdout == f"weights  {DONE['weights']}\n"


def test_exit_codes(stage, edgecv):
    train = stage("edgecv.train:train", GateFailed("the loss is no number"))
    assert edgecv("train", "tiny/resnet").exit_code == 4
    assert edgecv("train", "tiny/nothing").exit_code == 2
    assert edgecv("train", "tiny/resnet", "--set", "train.stepz=1").exit_code == 2
    assert len(train.asked) == 1
    stage("edgecv.train:train", KeyboardInterrupt())
    assert edgecv("train", "tiny/resnet").exit_code == 130
    stage("edgecv.train:train", MachineError("no CUDA device"))
    assert edgecv("train", "tiny/resnet", "--device", "cuda").exit_code == 3
