"""Every verb that takes a recipe, with every recipe that is none."""

import pytest

VERBS = {
    "train": ("train", "{}"),
    "export": ("export", "{}"),
    "calibrate": ("calibrate", "{}"),
    "build": ("build", "{}", "--precision", "fp32"),
    "check": ("check", "{}"),
    "compare": ("compare", "{}", "nowhere"),
}
RECIPES = [  # content (None: the file is missing), exit code, part of the message
    pytest.param(None, "unknown recipe", id="missing"),
    pytest.param(b"", "recipe is empty", id="empty"),
    pytest.param(b"arch: {name: x", "not plain YAML 1.2", id="truncated"),
    pytest.param(b"\x80\x04\x95\xff", "not a text file", id="binary"),
    pytest.param(b"a: !!python/object/apply:os.system ['touch hacked']", "YAML tag", id="tag"),
    pytest.param(b"a: &a [1]\nb: [*a, *a, *a]", "YAML alias", id="alias-bomb"),
    pytest.param(b"a: " + b"[" * 99_999, "nested too deeply", id="deep"),
    pytest.param(b"- a\n- b", "must be a mapping", id="list"),
    pytest.param(b"task: classify\nhaed: 1", "does not fit", id="unknown-key"),
    pytest.param(b"#" * 400_000, "too large", id="large"),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("content", "message"), RECIPES)
def test_recipe_that_is_none_is_refused_by_every_verb(world, verb, content, message):
    path = world.folder / "recipe.yaml" if content is None else world.file("recipe.yaml", content)
    outcome = world.run(*(part.format(path) for part in VERBS[verb]))
    assert outcome.code == 2, outcome.text
    assert message in outcome.text
    assert outcome.left == []


NAMES = [
    pytest.param("train", "arch.name=resnet_tinny", "nearest: resnet_tiny", id="architecture"),
    pytest.param("train", "arch.args.clases=3", "clas", id="argument"),
    pytest.param("train", "data.format=digit", "'digits'", id="data-format"),
    pytest.param("train", "train.augment=[flipp]", "flipp", id="augmentation"),
    pytest.param("train", "train.stepz=3", "nearest: train.steps", id="key"),
    pytest.param("train", "head.kind=clasify", "clasify", id="head"),
    pytest.param("train", "train.init=none.safetensors", "none.safetensors", id="init-weights"),
    pytest.param("train", "data.options={sise: 3}", "sise", id="data-option"),
    pytest.param("build", "build.backend=tensort", "'tensorrt'", id="backend"),
]


@pytest.mark.parametrize(("verb", "override", "message"), NAMES)
def test_unknown_name_comes_with_the_right_ones(world, verb, override, message):
    more = ("--precision", "fp32") if verb == "build" else ()
    outcome = world.run(verb, world.recipe(), "--set", override, *more)
    assert outcome.code == 2, outcome.text
    assert message in outcome.text
    assert not [name for name in outcome.left if "." in name.rpartition("/")[2]]


ORDER = [
    pytest.param(("export",), "edgecv train", id="export-before-train"),
    pytest.param(("calibrate",), "edgecv export", id="calibrate-before-export"),
    pytest.param(("build", "--precision", "fp32"), "edgecv export", id="build-before-export"),
    pytest.param(("check",), "edgecv export", id="check-before-export"),
    pytest.param(("compare", "nowhere"), "bundle not found|edgecv", id="compare-before-build"),
]


@pytest.mark.parametrize(("command", "fix"), ORDER)
def test_stage_before_its_turn_names_the_command_that_comes_first(world, command, fix):
    verb, *rest = command
    outcome = world.run(verb, world.recipe(), *rest)
    assert outcome.code == 2, outcome.text
    assert any(part in outcome.text for part in fix.split("|"))
    assert outcome.left == []


def test_build_without_a_precision_asks_for_one(world):
    outcome = world.run("build", world.recipe())
    assert (outcome.code, "precision" in outcome.text) == (2, True), outcome.text


def test_unknown_precision_is_named(world):
    outcome = world.run("build", world.recipe(), "--precision", "in8")
    assert (outcome.code, "int8" in outcome.text) == (2, True), outcome.text
