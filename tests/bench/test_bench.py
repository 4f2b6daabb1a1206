"""The stage writes latency.json with every stage, the whole and its conditions."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from edgecv.bench import bench
from edgecv.bundle import open_bundle
from edgecv.cli.app import app
from edgecv.errors import FileError
from edgecv.recipe import Bench

FEW = Bench(warmup=1, frames=4, streams=2, source_size=(108, 192))


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    """A copy: bench writes into it."""
    return shutil.copytree(tiny_bundle("centernet"), tmp_path / "fp32-onnxruntime")


def test_measures_every_stage_and_says_how(bundle):
    measured = bench(bundle, FEW)
    assert json.loads((bundle / "latency.json").read_text()) == measured
    assert list(measured["stages"]) == ["decode", "pre", "engine", "post", "draw"]
    for times in (*measured["stages"].values(), measured["end_to_end"]):
        assert 0 < times["p50_ms"] <= times["p90_ms"] <= times["p99_ms"]
    assert measured["throughput_fps"] > 0
    assert measured["peak_rss_mib"] > 10
    said = measured["conditions"]
    assert (said["frames"], said["warmup"], said["streams"]) == (4, 1, 2)
    assert said["source_size"] == [108, 192]
    assert said["backend"].startswith("onnxruntime 1.")
    assert said["precision_asked"] == "fp32"
    assert said["cores"] >= 1
    assert said["cpu"]
    assert {"load_before", "load_after", "governor", "power_mode", "python"} <= set(said)


def test_the_whole_is_at_least_its_parts(bundle):
    measured = bench(bundle, FEW.model_copy(update={"frames": 1}))
    parts = sum(measured["stages"][name]["p50_ms"] for name in ("pre", "engine", "post"))
    assert measured["end_to_end"]["p50_ms"] >= parts - 0.001


def test_the_bundle_still_opens_afterwards(bundle):
    first, second = bench(bundle, FEW), bench(bundle, FEW)
    assert open_bundle(bundle).manifest.run_id  # its digests hold
    assert json.loads((bundle / "latency.json").read_text()) == second != first


def test_options_default_to_the_bundles(bundle, monkeypatch):
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["bench"] = FEW.model_dump(mode="json")
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert bench(bundle)["conditions"]["source_size"] == [108, 192]


def test_verb(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["bench"] = FEW.model_dump(mode="json")
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    done = CliRunner().invoke(app, ["bench", str(bundle), "--frames", "3", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["conditions"]["frames"] == 3
    done = CliRunner().invoke(app, ["bench", str(bundle), "--streams", "1", "--threads", "1"])
    assert done.exit_code == 0
    assert "end to end" in done.stdout
    assert "(1 streams)" in done.stdout


def test_refuses_a_missing_bundle(tmp_path):
    with pytest.raises(FileError, match="bundle not found"):
        bench(tmp_path / "none")
