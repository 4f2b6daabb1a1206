"""A training killed with SIGKILL, at any moment, and resumed ends in the bits of one never killed.

The child runs `train` itself. Moments between steps are found by watching its log from outside,
plus a random pause. Moments inside the writing of a checkpoint, a few milliseconds long, are hit
exactly: the child's own file functions are wrapped so that the process kills itself there.
"""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from edgecv.pipeline import RunFolder
from edgecv.recipe import Recipe
from edgecv.train import train
from edgecv.train.checkpoint import read_checkpoint

STEPS = 44  # enough that no kill comes too late
PRELOAD = ["edgecv.train", "edgecv.ops.letterbox.loops", "lightning_fabric", "sklearn.datasets"]
PATIENCE_S = 240  # only against a hang; no moment is chosen by it


@pytest.fixture(scope="module")
def children():
    """Processes forked from one that has imported everything and run nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        yield context


@pytest.fixture
def long(recipe: Recipe) -> Recipe:
    settings = recipe.train.model_copy(update={"steps": STEPS, "every": 2})
    return recipe.model_copy(update={"train": settings})


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def train_and_die(moment: str, recipe: Recipe, folder: RunFolder) -> None:
    """Train on until the second checkpoint from here, and be killed at a moment of its writing."""
    from edgecv.train import checkpoint

    save, fsync, replace, counted = torch.save, os.fsync, os.replace, iter(range(99))

    def fatal_save(content, path) -> None:
        save(content, path)
        if next(counted) < 1:
            return
        if moment == "half written":
            os.truncate(path, os.path.getsize(path) // 2)
            die()
        if moment == "nothing written":
            os.truncate(path, 0)
            die()
        os.fsync = die if moment == "before fsync" else fsync
        if moment == "before rename":
            os.replace = die
        if moment == "after rename":
            os.replace = lambda source, target: (replace(source, target), die())

    checkpoint.torch.save = fatal_save
    train(recipe, folder, resume=True, device="cpu")


WRITING = ("nothing written", "half written", "before fsync", "before rename", "after rename")


class Run:
    def __init__(self, context, recipe: Recipe, folder: RunFolder) -> None:
        self.context, self.recipe, self.folder = context, recipe, folder

    def start(self):
        arguments = {"resume": True, "device": "cpu"}
        target = self.context.Process(
            target=train, args=(self.recipe, self.folder), kwargs=arguments
        )
        target.start()
        return target

    def finish(self) -> None:
        child = self.start()
        child.join(PATIENCE_S)
        assert child.exitcode == 0

    def kill_when(self, seen: Callable[[], bool], pause_s: float = 0.0) -> None:
        child = self.start()
        deadline = time.monotonic() + PATIENCE_S
        while not seen() and child.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(pause_s)
        child.kill()
        child.join(PATIENCE_S)
        assert child.exitcode == -signal.SIGKILL, "the child ended before the moment came"

    def kill_in_write(self, moment: str) -> None:
        child = self.context.Process(target=train_and_die, args=(moment, self.recipe, self.folder))
        child.start()
        child.join(PATIENCE_S)
        assert child.exitcode == -signal.SIGKILL
        assert bool(self.half_written()) == (moment != "after rename")

    def half_written(self) -> list[str]:
        return [path.name for path in self.folder.path.glob(".checkpoint.*.tmp*")]

    def log(self) -> list[dict]:
        path = self.folder.path / "train.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]


def flat(value, key=""):
    """Every tensor and number of a nested checkpoint, by path."""
    if isinstance(value, dict):
        parts = [flat(item, f"{key}/{name}") for name, item in value.items()]
    elif isinstance(value, list | tuple):
        parts = [flat(item, f"{key}/{place}") for place, item in enumerate(value)]
    else:
        return {key: value}
    return {name: item for part in parts for name, item in part.items()}


def differing(a, b) -> list[str]:
    a, b = flat(a), flat(b)
    assert a.keys() == b.keys()
    return [
        key
        for key, value in a.items()
        if not (torch.equal(value, b[key]) if torch.is_tensor(value) else value == b[key])
    ]


def test_killed_and_resumed_ends_bit_equal(children, long, tmp_path):
    whole = Run(children, long, RunFolder(tmp_path, "whole"))
    whole.finish()
    killed = Run(children, long, RunFolder(tmp_path, "killed"))
    killed.kill_when(killed.folder.path.exists)  # before the first checkpoint
    rng = np.random.default_rng()  # another moment in every run
    for place, moment in enumerate(WRITING):
        killed.kill_in_write(moment)
        if place % 2 == 0:
            lines = len(killed.log()) + int(rng.integers(1, 3))
            killed.kill_when(lambda n=lines: len(killed.log()) >= n, float(rng.uniform(0, 0.02)))
    killed.finish()

    assert killed.half_written() == []
    a, b = (read_checkpoint(run.folder.checkpoint) for run in (whole, killed))
    assert a["step"] == STEPS
    assert differing(a, b) == []
    assert whole.folder.weights.read_bytes() == killed.folder.weights.read_bytes()
    logs = [[(line["step"], line["loss"]) for line in run.log()] for run in (whole, killed)]
    assert logs[0] == logs[1]
    assert [step for step, _ in logs[0]] == sorted({step for step, _ in logs[0]})
