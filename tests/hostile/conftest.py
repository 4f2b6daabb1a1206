"""A small world of good files, copies of which are broken, and a way to run a verb on them."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

from edgecv.cli.app import app

RECIPE = """\
arch: {name: resnet_tiny, args: {classes: 10}}
task: classify
input: {size: [16, 16]}
data: {format: digits, train: 8, val: 8}
head: {kind: classify}
train: {steps: 1, batch: 2}
"""


class Outcome(NamedTuple):
    """How a verb ended, and what it left behind."""

    code: int
    text: str
    left: list[str]


class World:
    """Files of one test, all inside `folder`; verbs run in it."""

    def __init__(self, folder: Path, bundle: Path, model: Path) -> None:
        self.folder, self._bundle, self._model = folder, bundle, model

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def recipe(self, text: str = RECIPE) -> Path:
        return self.file("recipe.yaml", text)

    def model(self) -> Path:
        return self.file("model.onnx", self._model.read_bytes())

    def bundle(self) -> Path:
        return Path(shutil.copytree(self._bundle, self.folder / "bundle"))

    def manifest(self, **changes) -> Path:
        """A bundle whose manifest says something else."""
        folder = self.bundle()
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        return folder

    def image(self, name: str = "picture.png") -> Path:
        import cv2

        pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
        ok, data = cv2.imencode(Path(name).suffix, pixels)
        assert ok
        return self.file(name, data.tobytes())

    def snapshot(self) -> set[str]:
        return {p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*")}

    def run(self, *command: object) -> Outcome:
        before = self.snapshot()
        done = CliRunner().invoke(app, [str(part) for part in command])
        bug = done.exception
        if bug is not None and not isinstance(bug, SystemExit):
            raise AssertionError(f"{command[0]}: traceback for a user: {bug!r}") from bug
        return Outcome(done.exit_code, done.output, sorted(self.snapshot() - before))


@pytest.fixture
def world(tmp_path, monkeypatch, classifier):
    folder = tmp_path / "world"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return World(folder, classifier.bundle("fp32-onnxruntime"), classifier.folder / "model.onnx")
