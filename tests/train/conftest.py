"""A training small enough to run many times."""

from pathlib import Path

import pytest

from edgecv.pipeline import RunFolder, run_folder
from edgecv.recipe import Recipe, load_recipe

TINY = """
arch: {name: resnet_tiny, args: {classes: 10}}
task: classify
input: {size: [16, 16], mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5], resize: stretch}
data: {format: digits, train: 50, val: 10, options: {size: 16}}
head: {kind: classify}
train:
  steps: 12
  batch: 4
  lr: 1e-2
  schedule: onecycle
  ema: 0.9
  clip: 1.0
  precision: fp32
  augment: [shift, noise, contrast]
  every: 3
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return load_recipe(recipe_file)


@pytest.fixture
def run(tmp_path: Path, recipe_file: Path) -> RunFolder:
    return run_folder(tmp_path / "runs", recipe_file)
