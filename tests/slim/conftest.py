"""A trained network small enough to be pruned many times."""

from pathlib import Path

import pytest

from edgecv.pipeline import run_folder
from edgecv.recipe import load_recipe

TINY = """
arch: {name: vgg_tiny, args: {classes: 10}}
task: classify
input: {size: [16, 16], mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5], resize: stretch}
data: {format: digits, train: 64, val: 20, options: {size: 16}}
head: {kind: classify}
train: {steps: 3, batch: 8, lr: 1e-3, precision: fp32, every: 3}
export: {parity_images: 2}
evaluate: {resamples: 4}
bench: {warmup: 1, frames: 4}
"""


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """(recipe, run) of a trained network; its run folder is not changed, beside it is written."""
    pytest.importorskip("sklearn", reason="the built-in data is scikit-learn's: edgecv[train]")
    from edgecv.train import train

    folder: Path = tmp_path_factory.mktemp("slim")
    path = folder / "net.yaml"
    path.write_text(TINY)
    recipe, run = load_recipe(path), run_folder(folder / "runs", path)
    train(recipe, run)
    return recipe, run


@pytest.fixture
def interrupted(monkeypatch):
    """Call a function that trains, and press Ctrl-C once its first checkpoint is written."""
    from edgecv.train import loop

    def call(function, *arguments):
        save = loop.save_checkpoint

        def save_and_stop(path, training, digest):
            save(path, training, digest)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(loop, "save_checkpoint", save_and_stop)
            return function(*arguments)

    return call
