"""Steps worked by hand: a loss of 3 w, so that each step moves w by three times its rate."""

import json
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from edgecv import progress
from edgecv.errors import GateFailed
from edgecv.recipe import Train
from edgecv.train import loop as loop_module
from edgecv.train.average import Average
from edgecv.train.checkpoint import Training, read_checkpoint
from edgecv.train.journal import Journal
from edgecv.train.loop import Loop

SETTINGS = {"steps": 2, "batch": 1, "lr": 0.1, "warmup": 0.0, "precision": "fp32", "every": 1}


class FakeFabric:
    """What the loop needs of Lightning Fabric, in fp32 on the CPU."""

    device = torch.device("cpu")

    def __init__(self):
        self.strategy = SimpleNamespace(precision=self)

    def state_dict(self):
        return {"scale": 4.0}

    def to_device(self, value):
        return value

    def backward(self, loss):
        loss.backward()

    def clip_gradients(self, network, optimizer, *, max_norm, error_if_nonfinite):
        nn.utils.clip_grad_norm_(network.parameters(), max_norm, 2.0, error_if_nonfinite)


class Run:
    """A loop over one weight w = 2, its loss {"w": 3 w, "zero": 0}."""

    def __init__(self, folder, factor=1.0, **settings):
        network = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(network.weight, 2.0)
        optimizer = torch.optim.SGD(network.parameters(), lr=99.0)
        self.training = Training(network, optimizer, None, {})
        self.folder, self.factor, self.images = folder, factor, []
        self.loop = Loop(
            fabric=FakeFabric(),
            network=network,
            optimizer=optimizer,
            loss=self.loss,
            settings=Train(**{**SETTINGS, **settings}),
            checkpoint=folder / "checkpoint.pt",
            digest="the digest",
        )

    def loss(self, out, batch):
        self.images.append(batch["image"])
        return {"w": out.sum() * self.factor, "zero": torch.zeros(())}

    def go(self):
        left = self.loop.settings.steps - self.training.step
        batches = [{"image": torch.full((1, 1, 1, 1), 3.0)} for _ in range(left)]
        with Journal(self.folder / "train.jsonl", self.training.step) as journal:
            return self.loop.run(self.training, batches, journal)

    @property
    def weight(self):
        return self.training.network.weight.item()

    @property
    def log(self):
        return [json.loads(line) for line in (self.folder / "train.jsonl").open()]


def test_each_step_moves_the_weight_at_its_own_rate(tmp_path):
    run = Run(tmp_path)
    last = run.go()
    assert run.weight == pytest.approx(2 - 3 * 0.1 - 3 * 0.05)  # cosine: 0.1, then half of it
    assert last == pytest.approx(3 * 1.7)  # the loss that the last step started from
    assert [(line["step"], line["lr"]) for line in run.log] == [
        (1, pytest.approx(0.1)),
        (2, pytest.approx(0.05)),
    ]
    assert run.log[1]["parts"] == {"w": pytest.approx(5.1), "zero": 0.0}


def test_gradients_longer_than_the_limit_are_shortened_to_it(tmp_path):
    run = Run(tmp_path, clip=1.0)
    run.go()
    assert run.weight == pytest.approx(2 - 0.1 - 0.05, rel=1e-5)


def test_the_log_and_the_checkpoints_come_when_due_and_at_the_end(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(
        loop_module, "save_checkpoint", lambda path, training, digest: saved.append(training.step)
    )
    run = Run(tmp_path, steps=45, every=15)
    run.go()
    assert saved == [15, 30, 45]
    assert [line["step"] for line in run.log] == [15, 20, 30, 40, 45]


def test_a_resumed_loop_goes_on_at_the_rate_of_its_step(tmp_path):
    run = Run(tmp_path)
    run.training.step = 1
    run.go()
    assert run.weight == pytest.approx(2 - 3 * 0.05)
    assert (run.training.step, len(run.images)) == (2, 1)


def test_the_checkpoint_holds_the_step_the_average_and_the_loss_scaler(tmp_path):
    run = Run(tmp_path, steps=1)
    run.training.average = Average(run.training.network, decay=0.9)
    run.go()
    kept = read_checkpoint(tmp_path / "checkpoint.pt")
    assert (kept["step"], kept["recipe_digest"]) == (1, "the digest")
    assert kept["scaler"] == {"scale": 4.0}
    # 1.7 after the step; the first step's decay is 1 / 10
    assert kept["average"]["weight"].item() == pytest.approx(0.1 * 2 + 0.9 * 1.7)


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_before_anything_is_kept(tmp_path, factor):
    run = Run(tmp_path, factor)
    with pytest.raises(GateFailed, match=r"(?s)diverged.*step: 1.*train\.clip"):
        run.go()
    assert run.log == []
    assert not (tmp_path / "checkpoint.pt").exists()


def test_without_a_terminal_about_ten_lines_tell_the_progress(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop_module, "save_checkpoint", lambda *_: None)
    progress.set_quiet(False)
    Run(tmp_path, steps=400, every=400, lr=1e-9).go()
    lines = [line for line in capsys.readouterr().err.splitlines() if "step" in line]
    assert len(lines) == 10
    assert lines[0].startswith("  step 40/400  loss 6.0000")
