"""A bundle's tolerance comes from what was measured, within what its precision explains."""

import os

import numpy as np
import pytest

from edgecv.build import build
from edgecv.build.finish import FLOOR, LIMIT, describe, sweep
from edgecv.bundle import open_bundle
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
