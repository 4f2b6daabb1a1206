import json

import pytest
import torch
from typer.testing import CliRunner

from edgecv.cli.app import app
from edgecv.errors import (
    FileError,
    GateFailed,
    RecipeError,
    ShapeError,
    StaleError,
    UnknownName,
    UsageError,
)
from edgecv.head import ClassifyHead
from edgecv.progress import set_quiet
from edgecv.recipe import Arch, Recipe, load_recipe
from edgecv.train import train
from edgecv.train.checkpoint import read_checkpoint
from edgecv.zoo.registry import create
from edgecv.zoo.weights import load_weights, read_metadata, read_weights, write_weights


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def changed(recipe: Recipe, section: str = "train", **values) -> Recipe:
    part = getattr(recipe, section).model_copy(update=values)
    return recipe.model_copy(update={section: part})


def stop_after(recipe, run, steps, monkeypatch):
    """Train until a checkpoint of `steps` exists, as if the process had ended there."""
    from edgecv.train import loop

    save = loop.save_checkpoint

    def save_and_stop(path, training, digest):
        save(path, training, digest)
        if training.step == steps:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_checkpoint", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, run, device="cpu")


def test_it_writes_weights_log_and_checkpoint(recipe, run):
    done = train(recipe, run, device="cpu")
    assert done["skipped"] is False
    assert done["steps"] == 12
    metadata = read_metadata(run.weights)
    assert metadata["recipe_digest"] == recipe.digest("train")
    assert (metadata["arch"], metadata["step"]) == ("resnet_tiny", "12")
    lines = [json.loads(line) for line in (run.path / "train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 9, 12]
    assert lines[-1]["loss"] == done["loss"] == pytest.approx(sum(lines[-1]["parts"].values()))
    load_weights(create("resnet_tiny", classes=10), run.weights)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_average_is_what_is_written(recipe, run, ema):
    train(changed(recipe, ema=ema), run, device="cpu")
    state, _ = read_weights(run.weights)
    checkpoint = read_checkpoint(run.checkpoint)
    expected = checkpoint["average"] if ema else checkpoint["network"]
    assert all(torch.equal(value, expected[key]) for key, value in state.items())
    assert (checkpoint["average"] is None) == (ema == 0)


def test_it_learns(recipe, run):
    more = changed(changed(recipe, steps=60, batch=16, augment=()), "data", train=40)
    train(more, run, device="cpu")
    lines = [json.loads(line) for line in (run.path / "train.jsonl").read_text().splitlines()]
    assert lines[0]["loss"] > 1.8
    assert lines[-1]["loss"] < 0.9


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_seed_decides_everything(recipe, run, optimizer):
    written = []
    for seed in (0, 0, 1):
        train(changed(recipe, seed=seed, optimizer=optimizer), run, force=True, device="cpu")
        written.append(read_weights(run.weights)[0]["fc.weight"])
    assert torch.equal(written[0], written[1])
    assert not torch.equal(written[0], written[2])


def test_a_finished_training_is_left_alone(recipe, run):
    train(recipe, run, device="cpu")
    before = run.weights.stat().st_mtime_ns
    assert train(recipe, run, device="cpu")["skipped"] is True
    assert train(recipe, run, resume=True, device="cpu")["skipped"] is True
    assert run.weights.stat().st_mtime_ns == before


def test_finished_weights_of_another_recipe_are_not_overwritten(recipe, run):
    train(recipe, run, device="cpu")
    other = changed(recipe, lr=2e-2)
    with pytest.raises(StaleError, match="weights of another recipe"):
        train(other, run, device="cpu")
    assert train(other, run, force=True, device="cpu")["skipped"] is False
    assert read_metadata(run.weights)["recipe_digest"] == other.digest("train")


def test_an_unfinished_training_is_neither_lost_nor_continued_unasked(recipe, run, monkeypatch):
    stop_after(recipe, run, 6, monkeypatch)
    with pytest.raises(UsageError, match=r"steps done: 6\n  fix: --resume"):
        train(recipe, run, device="cpu")
    train(recipe, run, resume=True, device="cpu")
    assert read_metadata(run.weights)["step"] == "12"


def test_resuming_with_a_changed_recipe_is_refused(recipe, run, monkeypatch):
    stop_after(recipe, run, 6, monkeypatch)
    with pytest.raises(StaleError, match="made by another recipe"):
        train(changed(recipe, lr=2e-2), run, resume=True, device="cpu")
    assert read_checkpoint(run.checkpoint)["step"] == 6


def test_what_does_not_shape_training_may_change(recipe, run, monkeypatch):
    stop_after(recipe, run, 6, monkeypatch)
    train(changed(recipe, "head", topk=3), run, resume=True, device="cpu")
    assert run.weights.exists()


def test_training_starts_from_given_weights(recipe, run, tmp_path):
    torch.manual_seed(5)
    start = create("resnet_tiny", classes=10)
    path = write_weights(tmp_path / "init.safetensors", start.state_dict(), {})
    train(changed(recipe, init=path, lr=1e-12, ema=0.0, steps=1), run, device="cpu")
    torch.testing.assert_close(read_weights(run.weights)[0]["fc.weight"], start.fc.weight.data)


def test_fine_tuning_keeps_what_was_learned_and_starts_other_classes_fresh(
    recipe, run, tmp_path, capsys
):
    torch.manual_seed(5)
    start = create("resnet_tiny", classes=1000)
    path = write_weights(tmp_path / "init.safetensors", start.state_dict(), {})
    set_quiet(False)
    train(changed(recipe, init=path, lr=1e-12, ema=0.0, steps=1), run, device="cpu")
    state = read_weights(run.weights)[0]
    torch.testing.assert_close(state["conv1.weight"], start.conv1.weight.data)
    assert state["fc.weight"].shape == (10, 64)
    assert "init.safetensors has other classes: fc.bias, fc.weight start fresh" in (
        capsys.readouterr().err
    )


def test_a_loss_that_is_no_number_stops_the_training_and_keeps_the_last_good_state(recipe, run):
    wild = changed(recipe, lr=1e30, clip=0.0, optimizer="sgd", warmup=0.0)
    with pytest.raises(GateFailed, match="training diverged"):
        train(wild, run, device="cpu")
    assert not run.weights.exists()
    assert not run.checkpoint.exists()


def foreign(recipe):
    from edgecv.recipe import ForeignModel

    return recipe.model_copy(update={"arch": None, "model": ForeignModel(file="x.onnx")})


REFUSED = {
    "foreign": (foreign, RecipeError, "a foreign model cannot be trained"),
    "no train": (lambda r: r.model_copy(update={"train": None}), RecipeError, "no `train` section"),
    "no data": (lambda r: r.model_copy(update={"data": None}), RecipeError, "no `data` section"),
    "arch": (lambda r: changed(r, "arch", name="resnet19"), UnknownName, "nearest: .*resnet18"),
    "augment": (lambda r: changed(r, augment=("shit",)), UnknownName, "nearest: shift"),
    "classes": (
        lambda r: changed(r, "arch", args={"classes": 7}),
        RecipeError,
        r"number of classes differs\n  network: 7\n  data: 10",
    ),
    "order of names": (
        lambda r: r.model_copy(update={"head": ClassifyHead(names=tuple("1023456789"))}),
        RecipeError,
        r"another order\n  class number: 0\n  head names: 1\n  data: 0\n  fix: .*\[\"0\", \"1\"",
    ),
    "size": (
        lambda r: changed(r, "input", size=(1, 2)).model_copy(
            update={"arch": Arch(name="vgg_tiny", args={"classes": 10})}
        ),
        ShapeError,
        r"cannot train on pictures of this size[\s\S]*fix: --set input.size=\[8,8\]",
    ),
    "init": (lambda r: changed(r, init="none.safetensors"), FileError, "weight file not found"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained_is_refused_and_nothing_is_written(recipe, run, tmp_path, case):
    change, error, message = REFUSED[case]
    asked = change(recipe)
    if case == "init":
        asked = changed(recipe, init=tmp_path / "none.safetensors")
    with pytest.raises(error, match=message):
        train(asked, run, device="cpu")
    assert not run.path.exists()


def test_the_verb_trains_and_prints_json(recipe_file, tmp_path):
    command = ["train", str(recipe_file), "--runs", str(tmp_path / "r"), "--json", "--quiet"]
    command += ["--set", "train.steps=2", "--device", "cpu"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    assert (tmp_path / "r" / "tiny" / "weights.safetensors").samefile(done["weights"])
    again = json.loads(CliRunner().invoke(app, command).stdout)
    assert again["skipped"] is True


def test_a_pickle_posing_as_weights_exits_2_and_is_not_run(recipe_file, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"conv1.weight": Hostile()}, tmp_path / "init.pth")
    command = ["train", str(recipe_file), "--runs", str(tmp_path / "r"), "--quiet"]
    result = CliRunner().invoke(app, [*command, "--set", "train.init=init.pth"])
    assert result.exit_code == 2
    assert "asks for more than tensors; it was not run" in result.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "r").exists()


def test_the_verb_exits_2_for_a_wrong_recipe(recipe_file, tmp_path):
    command = ["train", str(recipe_file), "--runs", str(tmp_path / "r"), "--quiet"]
    result = CliRunner().invoke(app, [*command, "--set", "train.augment=[blurr]"])
    assert result.exit_code == 2
    assert "nearest: blur" in result.stderr
    assert load_recipe(recipe_file).train is not None
