"""A foreign file gets a recipe and the normal form; what it says is not asked."""

import onnx
import pytest

from edgecv.build.foreign import adopt_foreign
from edgecv.errors import RecipeError, UsageError
from edgecv.files import read_json, sha256_file
from edgecv.pipeline import RunFolder
from edgecv.recipe import load_recipe


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "runs", "theirs")


@pytest.fixture
def theirs(tmp_path, tiny):
    def write(**options):
        path = tmp_path / "theirs.onnx"
        onnx.save(tiny(**options), path)
        return path

    return write


def test_recipe_model_and_record_are_written(theirs, run):
    path = theirs()
    recipe = adopt_foreign(path, run, {"task": "classify", "mean": [1, 2, 3]})
    assert load_recipe(run.path / "recipe.yaml") == recipe
    assert recipe.input.size == (16, 16)
    assert recipe.head.tensor("logits") == "logits"
    record = read_json(run.export_json, "export record")
    assert record["source_digest"] == sha256_file(path)
    assert record["model_digest"] == sha256_file(run.model)
    assert record["recipe_digest"] == recipe.digest("export")


def test_it_is_adopted_once(theirs, run):
    path = theirs()
    adopt_foreign(path, run, {"task": "classify"})
    before = run.model.stat().st_mtime_ns
    adopt_foreign(path, run, {})
    assert run.model.stat().st_mtime_ns == before
    adopt_foreign(theirs(channels=8), run, {"task": "classify"})
    assert run.model.stat().st_mtime_ns != before


def test_another_file_of_the_same_name_is_asked_anew(theirs, run):
    adopt_foreign(theirs(), run, {"task": "classify"})
    with pytest.raises(UsageError, match="does not say what it is for"):
        adopt_foreign(theirs(channels=8), run, {})


def test_roles_may_be_named_by_an_override(theirs, run):
    path = theirs()
    with pytest.raises(UsageError, match=r"which output plays which role.*") as caught:
        adopt_foreign(path, run, {"head": "centernet"})
    assert "head.outputs" in caught.value.fix
    names = ["head.outputs={heatmap: logits, size: logits, offset: logits}"]
    recipe = adopt_foreign(path, run, {"head": "centernet"}, names)
    assert recipe.head.tensor("heatmap") == "logits"


def test_overrides_that_say_what_the_file_is_are_remembered_others_are_not(theirs, run):
    """`calibrate` reads the run's recipe: what only this call knew would make its table stale."""
    path = theirs()
    names = "head.outputs={heatmap: logits, size: logits, offset: logits}"
    asked = [names, "head.score=0.6", "input.interpolation=area", "build.tolerance=0.5"]
    first = adopt_foreign(path, run, {"head": "centernet"}, asked)
    kept = load_recipe(run.path / "recipe.yaml")
    assert (kept.head, kept.input) == (first.head, first.input)
    assert kept.digest("calibrate") == first.digest("calibrate")
    assert (first.build.tolerance, kept.build.tolerance) == (0.5, None)
    assert adopt_foreign(path, run, {}) == kept
    again = adopt_foreign(path, run, {"std": [9, 9, 9]}, ["head.score=0.2"])
    assert again.head.outputs == first.head.outputs
    assert (again.head.score, again.input.interpolation) == (0.2, "area")
    assert load_recipe(run.path / "recipe.yaml") == again


def test_a_colour_the_graph_cannot_take_is_refused(theirs, run):
    answers = {"task": "classify", "color": "gray", "mean": [0], "std": [1]}
    with pytest.raises(UsageError, match="colour does not fit"):
        adopt_foreign(theirs(), run, answers)
    assert not (run.path / "recipe.yaml").exists()


def test_another_head_or_task_replaces_what_an_earlier_build_was_told(theirs, run):
    path = theirs()
    adopt_foreign(path, run, {"task": "classify", "mean": [1, 2, 3]})
    recipe = adopt_foreign(path, run, {"head": "dense"})
    assert (recipe.task, recipe.head.kind, recipe.input.mean) == ("detect", "dense", (1, 2, 3))
    recipe = adopt_foreign(path, run, {"task": "classify"})
    assert (recipe.task, recipe.head.kind) == ("classify", "classify")
    with pytest.raises(UsageError, match="task detect needs a named head"):
        adopt_foreign(path, run, {"task": "detect"})


def test_a_head_of_another_task_is_refused(theirs, run):
    with pytest.raises(UsageError, match="head dense is for task detect"):
        adopt_foreign(theirs(), run, {"task": "classify", "head": "dense"})


def test_an_option_that_fits_no_recipe_is_named_without_our_scratch_file(theirs, run):
    with pytest.raises(RecipeError, match="options make no recipe") as caught:
        adopt_foreign(theirs(), run, {"task": "classify", "mean": [1, 2]})
    assert caught.value.facts["key"] == "input"
    assert "file" not in caught.value.facts
