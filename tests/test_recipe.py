"""The recipe: plain YAML 1.2, one schema, overrides through it, digests of the right sections."""

from pathlib import Path

import pytest

from edgecv.errors import FileError, RecipeError, UnknownName
from edgecv.files import sha256_json
from edgecv.recipe import Recipe, find_recipe, load_recipe, shipped_recipes

RECIPE = """\
arch: {name: resnet18, args: {classes: 10}}
task: classify
input: {size: [64, 96], mean: [1, 2, 3], std: [4, 5, 6]}
data: {format: imagefolder, root: pictures}
head: {kind: classify, names: [no, yes, on]}
train: {steps: 10, lr: 1e-4, init: start.safetensors}
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def recipe(write):
    def recipe(*overrides: str) -> Recipe:
        return load_recipe(write(RECIPE), overrides)

    return recipe


def test_yaml_is_1_2(recipe):
    assert recipe().train.lr == 0.0001
    assert recipe().head.names == ("no", "yes", "on")


def test_paths_are_relative_to_the_recipe(recipe, tmp_path):
    assert recipe().data.root == tmp_path / "pictures"
    assert recipe().train.init == tmp_path / "start.safetensors"


@pytest.mark.parametrize("text", ["? [a]\n: 1", "1: 2", "null: 2"], ids=["list", "int", "null"])
def test_keys_that_are_no_words_are_refused(write, text):
    with pytest.raises(RecipeError, match="does not fit"):
        load_recipe(write(text))


def test_missing_empty_and_binary_files_are_named(write, tmp_path):
    with pytest.raises(FileError, match="recipe not found"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(FileError, match="recipe is empty"):
        load_recipe(write(""))
    (tmp_path / "b.yaml").write_bytes(b"\x80\x04\x95")
    with pytest.raises(FileError, match="recipe is not a text file"):
        load_recipe(tmp_path / "b.yaml")
    with pytest.raises(FileError, match="too large"):
        load_recipe(write("#" * (1 << 19)))


SCHEMA = [
    pytest.param("train.stepz=3", r"key: train\.stepz\n  nearest: train\.steps", id="near-key"),
    pytest.param("mixup=0.2", r"key: mixup\n  nearest: train\.mixup", id="near-place"),
    pytest.param("trian.steps=3", r"key: trian\n  nearest: train", id="near-section"),
    pytest.param("train.steps=0", r"greater than or equal to 1", id="range"),
    pytest.param("train.lr=.nan", r"finite number", id="nan"),
    pytest.param("train.optimizer=adam", r"'adamw' or 'sgd'", id="choice"),
    pytest.param("input.std=[1, 0, 1]", r"every value must be > 0", id="zero-std"),
    pytest.param("input.color=gray", r"needs 1 values for color gray", id="channels"),
    pytest.param("input.size=[64, 20000]", r"1\.\.16384", id="size"),
    pytest.param("export.batch=[4, 1, 8]", r"min <= opt <= max", id="batch"),
    pytest.param("task=detect", r"kind classify is for task classify", id="task-of-head"),
    pytest.param("task=paint", r"not one of classify, detect", id="task"),
    pytest.param("head.kind=clasify", r"clasify", id="head"),
    pytest.param("head.outputs={logit: a}", r"unknown role 'logit'; roles are logits", id="role"),
    pytest.param("model={file: a.onnx}", r"either `arch`.*or `model`", id="arch-and-model"),
]


@pytest.mark.parametrize(("override", "message"), SCHEMA)
def test_what_breaks_the_schema_is_named_in_its_words(recipe, override, message):
    with pytest.raises(RecipeError, match=message):
        recipe(override)


def test_overrides_go_through_the_schema_and_add_sections(recipe):
    changed = recipe("build.precision=int8", "train.steps=7", "arch.args.classes=3")
    assert (changed.build.precision, changed.train.steps) == ("int8", 7)
    assert changed.arch.args == {"classes": 3}


DIGESTS = [  # override, stages whose digest it changes
    pytest.param("train.lr=2e-4", {"train"}, id="train"),
    pytest.param("data.seed=9", {"train", "calibrate"}, id="data"),
    pytest.param("export.opset=18", {"export"}, id="export"),
    pytest.param("calibrate.method=entropy", {"calibrate"}, id="calibrate"),
    pytest.param("head.topk=1", {"build"}, id="head"),
    pytest.param("build.rest=fp16", {"build"}, id="build"),
    pytest.param("input.pad=0", {"train", "export", "calibrate", "build"}, id="input"),
    pytest.param("bench.frames=3", set(), id="bench"),
    pytest.param("train.every=3", set(), id="checkpoint-interval"),
    pytest.param("train.batch=32", set(), id="the-default-spelt-out"),
]


@pytest.mark.parametrize(("override", "changed"), DIGESTS)
def test_digest_depends_on_what_shapes_the_stage_and_nothing_else(recipe, override, changed):
    stages = ("train", "export", "calibrate", "build")
    before, after = recipe(), recipe(override)
    assert {s for s in stages if before.digest(s) != after.digest(s)} == changed


def test_a_later_option_left_at_its_default_makes_nothing_stale(recipe):
    """The digest is of what the recipe says, not of every key the schema has today."""
    said = {
        "arch": {"name": "resnet18", "args": {"classes": 10}},
        "task": "classify",
        "input": {"size": [64, 96], "mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0]},
    }
    assert recipe().digest("export") == sha256_json(said)


def test_digest_survives_a_move_of_the_checkout(tmp_path):
    digests = set()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "r.yaml").write_text(RECIPE)
        digests.add(load_recipe(tmp_path / name / "r.yaml").digest("train"))
    assert len(digests) == 1


def test_digest_sees_another_path(recipe):
    assert recipe().digest("train") != recipe("data.root=others").digest("train")


def test_recipe_is_found_by_path_or_shipped_name(write):
    path = write(RECIPE)
    assert find_recipe(path) == path
    with pytest.raises(UnknownName, match="unknown recipe 'tiny/centrenet'"):
        find_recipe(Path("tiny/centrenet"))


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_every_shipped_recipe_loads_and_is_found_by_its_name(name):
    assert load_recipe(find_recipe(Path(name))).input.size
