"""Pruning end to end: a slim recipe, retrained, measured against what it came from."""

import json

import pytest
import torch
from typer.testing import CliRunner

from edgecv.cli.app import app
from edgecv.errors import UnknownName
from edgecv.pipeline import run_folder
from edgecv.recipe import load_recipe
from edgecv.slim.before import load_start
from edgecv.slim.pattern import follows_2_4
from edgecv.slim.prune import Pruning, prune
from edgecv.zoo.weights import read_weights
from tests.slim.conftest import TINY


def test_filters_go_and_both_networks_are_measured(trained, tmp_path):
    recipe, run = trained
    options = Pruning("l2", 0.5, steps=2, backend="onnxruntime")
    record = prune(recipe, run, options, tmp_path / "half.yaml")
    before, after = record["rows"]
    assert after["params"] < 0.6 * before["params"]
    assert after["macs"] < 0.5 * before["macs"]
    assert after["engine_bytes"] < 0.7 * before["engine_bytes"]
    assert 0 <= after["accuracy"] <= 1
    assert json.loads((run.root / "half" / "slim.json").read_text()) == record


@pytest.mark.parametrize("by", ["activation", "apoz"])
def test_data_decides(trained, tmp_path, by):
    options = Pruning(by, 0.5, steps=1, pictures=8, measured=False)
    before, after = prune(*trained, options, tmp_path / f"{by}.yaml")["rows"]
    assert after["params"] < before["params"]


def test_2_4_survives_retraining(trained, tmp_path):
    recipe, run = trained
    path = tmp_path / "sparse.yaml"
    prune(recipe, run, Pruning("2:4", steps=3, measured=False), path)
    net = load_start(load_recipe(path), run_folder(run.root, path)).network
    assert follows_2_4(net.features[4].weight)
    assert not follows_2_4(net.classifier[6].weight)  # it makes the outputs
    start = load_start(recipe, run).network
    assert not follows_2_4(start.features[4].weight)
    assert not (net.features[4].weight == start.features[4].weight * 0).all()


def test_unknown_way_is_refused_before_anything_is_read(trained, tmp_path):
    with pytest.raises(UnknownName, match=r"unknown way to prune 'magic'[\s\S]*2:4"):
        prune(*trained, Pruning("magic"), tmp_path / "x.yaml")


def test_verb_writes_a_recipe_and_prints_both_rows(trained, tmp_path):
    _, run = trained
    source = run.root.parent / "net.yaml"
    words = ["prune", str(source), "--runs", str(run.root), "--steps", "1", "--no-measure"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "verb.yaml"), "-q"])
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "network", "net", "verb", "recipe",
    ]  # fmt: skip
    assert (tmp_path / "verb.yaml").is_file()


def test_verb_without_weights_says_train(tmp_path):
    done = CliRunner().invoke(app, ["prune", "tiny/vgg", "--runs", str(tmp_path), "-q"])
    assert done.exit_code == 2
    assert "weight file not found" in done.output


def test_the_same_command_goes_on_after_ctrl_c(trained, tmp_path, interrupted):
    _, run = trained
    source = run.root.parent / "net.yaml"

    def call(name):
        words = ["prune", str(source), "--runs", str(run.root), "--steps", "6", "--no-measure"]
        done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / f"{name}.yaml")])
        return done.exit_code, done.output

    names = ("whole", "stopped")
    assert call("whole")[0] == 0
    code, text = interrupted(call, "stopped")
    assert (code, (run.root / "stopped" / "weights.safetensors").exists()) == (130, False)
    assert "interrupted" in text
    code, text = call("stopped")
    assert code == 0, text
    assert "resumed at step 3 of 6" in text
    left, again = (read_weights(run.root / k / "weights.safetensors")[0] for k in names)
    assert all(torch.equal(left[key], value) for key, value in again.items())
    code, text = call("stopped")
    assert (code, "is finished" in text) == (0, True)


def test_a_pruned_network_is_pruned_again(trained, tmp_path):
    recipe, run = trained
    options = Pruning("l1", 0.5, steps=1, measured=False)
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    left = prune(recipe, run, options, first)["rows"][1]
    rows = prune(load_recipe(first), run_folder(run.root, first), options, second)["rows"]
    assert rows[0]["params"] == left["params"]
    assert rows[1]["params"] < 0.5 * rows[0]["params"]
    assert load_recipe(second).train.init == second.with_name("second.start.safetensors")


def test_shuffled_groups_are_pruned_exported_and_measured(tmp_path):
    from edgecv.train import train

    path = tmp_path / "shuffled.yaml"
    path.write_text(TINY.replace("vgg_tiny", "shufflenet_v1_tiny"))
    recipe, run = load_recipe(path), run_folder(tmp_path / "runs", path)
    train(recipe, run)
    options = Pruning("activation", 0.5, steps=1, pictures=8, backend="onnxruntime")
    before, after = prune(recipe, run, options, tmp_path / "half.yaml")["rows"]
    assert after["params"] < 0.31 * before["params"]
    assert after["engine_bytes"] < 0.6 * before["engine_bytes"]
    assert 0 <= after["accuracy"] <= 1
