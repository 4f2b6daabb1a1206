"""One real export of each kind, shared by the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from edgecv.export import export
from edgecv.pipeline import RunFolder
from edgecv.recipe import Recipe, load_recipe, shipped_recipes


class Exported(NamedTuple):
    recipe: Recipe
    run: RunFolder
    record: dict


def tiny(name: str, *overrides: str) -> Recipe:
    small = ("data.val=12", "input.size=[64, 64]") if name == "tiny/centernet" else ()
    return load_recipe(shipped_recipes()[name], (*small, *overrides))


@pytest.fixture(scope="session")
def centernet(tmp_path_factory) -> Exported:
    """Static batch, opset 20."""
    recipe = tiny("tiny/centernet")
    run = RunFolder(tmp_path_factory.mktemp("runs"), "centernet")
    return Exported(recipe, run, export(recipe, run, weights="random:1"))


@pytest.fixture(scope="session")
def resnet(tmp_path_factory) -> Exported:
    """Dynamic batch, opset 17, not simplified (onnxslim would drop what torch noted)."""
    recipe = tiny("tiny/resnet", "export.batch=[1, 2, 4]", "export.simplify=none")
    run = RunFolder(tmp_path_factory.mktemp("runs"), "resnet")
    return Exported(recipe, run, export(recipe, run, weights="random:1", opset=17))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path, "x")
