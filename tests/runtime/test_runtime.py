"""`load` joins a bundle and its engine, warm, and lets go of the engine whatever fails."""

import json
import shutil

import numpy as np
import pytest

from edgecv import engines
from edgecv.bundle import Tensor
from edgecv.errors import FileError, MachineError, UnsupportedModel
from edgecv.runtime import load


class FakeEngine:
    """Three logits, the second the largest; says what it was asked and whether it was closed."""

    inputs = (Tensor(name="images", shape=(1, 3, 32, 32), dtype="float32"),)

    def __init__(self, fails=None):
        self.fails, self.seen, self.closed, self.options = fails, [], 0, {}

    def execute(self, arrays):
        self.seen.append(arrays["images"].copy())
        if self.fails:
            raise self.fails
        return {"logits": np.float32([[0, 2, 1]])}

    def close(self):
        self.closed += 1


@pytest.fixture
def use(monkeypatch):
    """`use(engine)`: every bundle opens with this engine."""

    def install(engine):
        def open_engine(bundle, **options):
            engine.options = options
            return engine

        monkeypatch.setattr(engines, "open_engine", open_engine)
        return engine

    return install


def test_a_loaded_model_is_warm_and_its_answers_come_from_the_engine(tiny_bundle, use):
    engine = use(FakeEngine())
    model = load(str(tiny_bundle("classify")))
    (grey,) = engine.seen  # one picture has gone through
    np.testing.assert_allclose(grey, 114 / 255, rtol=1e-6)
    assert model(np.zeros((8, 8, 3), np.uint8)).best == "green"
    assert engine.closed == 0
    model.close()
    assert engine.closed == 1


@pytest.mark.parametrize("options", [{"threads": 0, "streams": 1}, {"threads": 3, "streams": 2}])
def test_threads_and_streams_reach_the_engine(tiny_bundle, use, options):
    engine = use(FakeEngine())
    load(tiny_bundle("classify"), **options)
    assert engine.options == options


@pytest.mark.parametrize(
    "error",
    [MachineError("the device went away"), KeyboardInterrupt("the device went away")],
    ids=["device", "ctrl-c"],
)
def test_an_engine_that_fails_when_warmed_is_closed(tiny_bundle, use, error):
    engine = use(FakeEngine(error))
    with pytest.raises(type(error), match="the device went away"):
        load(tiny_bundle("classify"))
    assert engine.closed == 1


def test_an_engine_that_does_not_fit_is_closed_unused(tiny_bundle, use):
    engine = use(FakeEngine())
    engine.inputs = ()
    with pytest.raises(UnsupportedModel, match="inputs: none"):
        load(tiny_bundle("classify"))
    assert (engine.seen, engine.closed) == ([], 1)


def test_load_refuses_what_is_no_bundle(tmp_path, use):
    engine = use(FakeEngine())
    with pytest.raises(FileError, match="bundle not found"):
        load(tmp_path / "none")
    assert engine.options == {}  # the engine was not even opened


def test_load_refuses_a_head_that_does_not_fit_the_engine(tiny_bundle, tmp_path):
    folder = shutil.copytree(tiny_bundle("classify"), tmp_path / "bundle")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["head"]["outputs"] = {"logits": "probabilities"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(FileError, match="no output 'probabilities'"):
        load(folder)
