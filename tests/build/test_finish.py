"""A bundle's tolerance comes from what was measured, within what its precision explains."""

import os
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgecv.build import build
from edgecv.build.finish import FLOOR, LIMIT, Parts, describe, fresh, sweep
from edgecv.build.inputs import read_source
from edgecv.build.origin import origin
from edgecv.bundle import open_bundle, seal
from edgecv.engines import trt_match
from edgecv.engines.onnxruntime import OnnxRuntimeEngine
from edgecv.errors import GateFailed


def nudge(monkeypatch, relative):
    """The bundle's engine is off by `relative` of its largest output; the golden one is not."""
    honest = OnnxRuntimeEngine.execute

    def execute(self, arrays):
        got = honest(self, arrays)
        if ".tmp" not in str(self._file.parent):
            return got
        return {
            name: value + np.float32(relative) * abs(value).max() for name, value in got.items()
        }

    monkeypatch.setattr(OnnxRuntimeEngine, "execute", execute)


@pytest.mark.parametrize(
    ("precision", "off", "tolerance"),
    [
        ("fp32", 0.0, FLOOR["fp32"]),
        ("fp32", 2e-5, 6e-5),
        ("fp32", 9e-5, LIMIT["fp32"]),
        ("int8", 0.0, FLOOR["int8"]),
        ("int8", 0.05, 0.15),
    ],
    ids=["floor", "thrice", "limit", "int8-floor", "int8-thrice"],
)
def test_the_tolerance_is_thrice_what_was_seen_between_floor_and_limit(
    make_run, monkeypatch, precision, off, tolerance
):
    nudge(monkeypatch, off)
    made = make_run()
    folder = build(made.recipe, made.run, precision, backend="onnxruntime")
    assert open_bundle(folder).manifest.tolerance == pytest.approx(tolerance, rel=0.01)


def test_beyond_the_limit_no_bundle_is_written_unless_the_recipe_allows_it(make_run, monkeypatch):
    nudge(monkeypatch, 2e-4)
    made = make_run()
    with pytest.raises(GateFailed, match=r"limit: 0\.0001"):
        build(made.recipe, made.run, "fp32", backend="onnxruntime")
    made = make_run("build: {tolerance: 0.001}\n")
    folder = build(made.recipe, made.run, "fp32", backend="onnxruntime")
    assert open_bundle(folder).manifest.tolerance == 0.001


@pytest.fixture
def made(make_run, tmp_path):
    """A bundle and what it is made from, as a second build would see it."""
    made = make_run()
    folder = build(made.recipe, made.run, "fp32", backend="onnxruntime")
    told = {"precision": "fp32", "backend": "onnxruntime"}
    section = made.recipe.build.model_copy(update=told)
    return folder, read_source(made.recipe.model_copy(update={"build": section}), made.run)


def test_a_bundle_is_fresh_while_all_it_came_from_is_the_same(made, tmp_path):
    folder, source = made
    assert fresh(folder, source, origin(source))
    assert not fresh(tmp_path / "nowhere", source, origin(source))
    assert not fresh(folder, source, "f" * 64)
    other = source.run._replace(run_id="another")
    assert not fresh(folder, replace(source, run=other), origin(source))
    assert not fresh(folder, replace(source, model_digest="f" * 64), origin(source))
    (folder / "layers.json").write_text("[]")
    assert not fresh(folder, source, origin(source))


def test_an_engine_of_a_package_without_metadata_stays_fresh(made, monkeypatch):
    """JetPack may bring TensorRT as a Debian package: the module alone knows its version."""
    folder, source = made
    manifest = open_bundle(folder).manifest
    told = {"backend": "tensorrt", "backend_version": "8.5.2.2"}
    seal(folder, manifest.model_copy(update=told))
    monkeypatch.setattr(trt_match, "backend_version", lambda flavour: "unknown")
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="8.5.2.2"))
    assert fresh(folder, source, origin(source))
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="8.6.1"))
    assert not fresh(folder, source, origin(source))


def test_a_graph_without_a_portable_form_is_copied_alone(made, tmp_path):
    folder, source = made
    (tmp_path / "out").mkdir()
    graphs = folder / "model.onnx", tmp_path / "none.onnx"
    Parts(source.recipe, "tiny", "", "", *graphs).copy_graphs(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.onnx"]


def test_what_is_printed_says_where_it_runs(make_run):
    made = make_run()
    told = describe(build(made.recipe, made.run, "fp32", backend="onnxruntime"))
    assert told["precision"]["asked"] == "fp32"
    assert "onnxruntime" in told["runs_on"]


def test_sweeping_takes_only_this_bundles_leftovers(tmp_path):
    for name in (".fp32-x.1.tmp", ".fp32-y.1.tmp", "fp32-x"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    sweep(tmp_path / "fp32-x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fp32-y.1.tmp", "fp32-x"]
