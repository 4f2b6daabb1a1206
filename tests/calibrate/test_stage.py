import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edgecv.calibrate import stage
from edgecv.calibrate.stage import calibrate_onnx, calibrate_recipe, calibrate_source, summary
from edgecv.cli.app import app
from edgecv.errors import FileError, StaleError, UsageError
from edgecv.files import sha256_file, write_json
from edgecv.pipeline import RunFolder
from edgecv.ranges import load_ranges
from edgecv.recipe import load_recipe

RECIPE = """
arch: {name: resnet18}
task: classify
input: {size: [4, 4], resize: stretch}
head: {kind: classify}
data: {format: digits, train: 8, val: 4}
calibrate: {images: 5, method: mse}
"""


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "recipes" / "tiny" / "net.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(RECIPE)
    return path


@pytest.fixture
def run(tmp_path, net):
    folder = RunFolder(tmp_path / "runs", "tiny-net")
    folder.path.mkdir(parents=True)
    net.rename(folder.model)
    return folder


@pytest.fixture
def pictures(tmp_path, rng):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(3):
        image = rng.integers(0, 256, (9, 7, 3), np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), image)
    return folder


def test_recipe_to_table(recipe_file, run):
    recipe = load_recipe(recipe_file)
    ranges = load_ranges(calibrate_recipe(recipe, run))
    assert (ranges.images, ranges.method) == (5, "mse")
    assert ranges.recipe_digest == recipe.digest("calibrate")
    assert ranges.model_digest == sha256_file(run.model)
    assert 0 <= ranges.tensors["images"].low < ranges.tensors["images"].high <= 1


def test_options_override_how_but_not_whose(recipe_file, run, pictures):
    recipe = load_recipe(recipe_file)
    path = calibrate_recipe(recipe, run, images=pictures, method="minmax", count=2)
    ranges = load_ranges(path)
    assert (ranges.images, ranges.method) == (2, "minmax")
    assert ranges.recipe_digest == recipe.digest("calibrate")


def test_same_pictures_same_table(recipe_file, run):
    recipe = load_recipe(recipe_file)
    first = calibrate_recipe(recipe, run).read_bytes()
    assert calibrate_recipe(recipe, run).read_bytes() == first


def test_refuses_without_a_model(recipe_file, tmp_path):
    with pytest.raises(FileError, match=r"(?s)no model to calibrate.*edgecv export tiny/net"):
        calibrate_recipe(load_recipe(recipe_file), RunFolder(tmp_path, "tiny-net"))


STALE = [
    pytest.param({"recipe_digest": "other"}, "exported by another recipe", id="recipe"),
    pytest.param({"model_digest": "other"}, "changed after its export", id="model"),
]


@pytest.mark.parametrize(("record", "text"), STALE)
def test_refuses_a_stale_model(recipe_file, run, record, text):
    write_json(run.export_json, record)
    with pytest.raises(StaleError, match=text):
        calibrate_recipe(load_recipe(recipe_file), run)
    assert not run.ranges.exists()


def test_interrupted_leaves_the_old_table(recipe_file, run, monkeypatch):
    recipe = load_recipe(recipe_file)
    before = calibrate_recipe(recipe, run).read_bytes()

    def breaks(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "calibrate", breaks)
    with pytest.raises(KeyboardInterrupt):
        calibrate_recipe(recipe, run)
    assert run.ranges.read_bytes() == before
    assert {p.name for p in run.path.iterdir()} == {"model.onnx", "ranges.json"}


def test_foreign_file(net, tmp_path, pictures):
    run = RunFolder(tmp_path / "runs", "model")
    overrides = ["input.mean=[128, 128, 128]", "input.std=[1, 1, 1]"]
    ranges = load_ranges(calibrate_onnx(net, run, pictures, overrides=overrides))
    assert ranges.images == 3
    assert ranges.recipe_digest == ""
    assert ranges.model_digest == sha256_file(run.model)
    assert ranges.tensors["images"].low < -50, "the overrides reached the preprocessor"


def test_foreign_file_with_a_recipe_made_for_it_uses_that(net, tmp_path, pictures, run):
    source = tmp_path / "source.onnx"
    source.write_bytes(run.model.read_bytes())
    draft = {
        "model": {"file": str(source)},
        "task": "classify",
        "input": {"size": [4, 4], "std": [1, 1, 1]},
        "head": {"kind": "classify"},
    }
    (run.path / "recipe.yaml").write_text(json.dumps(draft))
    recipe = load_recipe(run.path / "recipe.yaml")
    write_json(run.export_json, {"source_digest": sha256_file(source)})
    ranges = load_ranges(calibrate_onnx(source, run, pictures))
    assert ranges.recipe_digest == recipe.digest("calibrate")
    assert ranges.tensors["images"].high > 50


def test_foreign_file_needs_pictures(net, tmp_path):
    with pytest.raises(UsageError, match=r"(?s)no training pictures.*--data"):
        calibrate_source(net, tmp_path)


def test_verb(recipe_file, run, pictures):
    arguments = ["calibrate", str(recipe_file), "--runs", str(run.root), "--json", "-m", "entropy"]
    done = CliRunner().invoke(app, [*arguments, "--data", str(pictures)])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said == summary(run.ranges)
    assert (said["method"], said["images"], said["tensors"]) == ("entropy", 3, 2)


def test_verb_says_what_is_wrong(recipe_file, tmp_path):
    done = CliRunner().invoke(app, ["calibrate", str(recipe_file), "--runs", str(tmp_path)])
    assert done.exit_code == 2
    assert "no model to calibrate" in done.stderr


def test_verb_writes_a_tensorrt_cache(recipe_file, run):
    arguments = ["calibrate", str(recipe_file), "--runs", str(run.root)]
    done = CliRunner().invoke(app, [*arguments, "--tensorrt-cache", "8.6.1"])
    assert done.exit_code == 0, done.output
    lines = (run.path / "ranges.cache").read_text().splitlines()
    assert lines[0].startswith("TRT-8601-")
    assert [line.split(": ")[0] for line in lines[1:]] == ["images", "r"]


def test_verb_refuses_a_version_before_it_measures(recipe_file, run):
    arguments = ["calibrate", str(recipe_file), "--runs", str(run.root)]
    done = CliRunner().invoke(app, [*arguments, "--tensorrt-cache", "11.0.0"])
    assert done.exit_code == 2
    assert "no calibration cache" in done.stderr
    assert not run.ranges.exists()
