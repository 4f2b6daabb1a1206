"""`edgecv calibrate`: options reach the stage; a cache for TensorRT is refused before measuring."""

import json
from pathlib import Path

import pytest

from edgecv.errors import StaleError
from edgecv.ranges import Range, Ranges


@pytest.fixture
def table(tmp_path):
    tensors = {"images": Range(amax=2.0, low=-1.0, high=2.0)}
    digests = {"model_digest": "m" * 64, "data_digest": "d" * 64, "recipe_digest": "r" * 64}
    Ranges(method="mse", images=5, tensors=tensors, **digests).save(tmp_path / "ranges.json")
    return tmp_path / "ranges.json"


def test_options_reach_the_stage(stage, edgecv, table):
    calibrate = stage("edgecv.calibrate.stage:calibrate_source", table)
    words = "--data D -m entropy --images 7 --runs R --set a.b=1 --set c.d=2 -q".split()
    assert edgecv("calibrate", "m.onnx", *words).exit_code == 0
    assert edgecv("calibrate", "tiny/resnet").exit_code == 0
    assert calibrate.asked == [
        {
            "source": Path("m.onnx"),
            "runs": Path("R"),
            "images": Path("D"),
            "method": "entropy",
            "count": 7,
            "overrides": ["a.b=1", "c.d=2"],
        },
        {
            "source": Path("tiny/resnet"),
            "runs": Path("runs"),
            "images": None,
            "method": "",
            "count": 0,
            "overrides": (),
        },
    ]
    assert calibrate.quiet == [True, False]


def test_json_and_text(stage, edgecv, table):
    stage("edgecv.calibrate.stage:calibrate_source", table)
    said = json.loads(edgecv("calibrate", "x", "--json").stdout)
    assert (said["method"], said["images"], said["tensors"]) == ("mse", 5, 1)
    assert edgecv("calibrate", "x").stdout == f"ranges  {table}\n"


def test_a_cache_for_tensorrt_is_written_beside(stage, edgecv, table):
    stage("edgecv.calibrate.stage:calibrate_source", table)
    said = edgecv("calibrate", "x", "--tensorrt-cache", "8.6.1").stdout
    cache = table.with_name("ranges.cache")
    assert said == f"ranges  {table}\ncache   {cache}\n"
    assert cache.read_text().startswith("TRT-8601-")


def test_exit_codes(stage, edgecv):
    calibrate = stage("edgecv.calibrate.stage:calibrate_source", StaleError("of another model"))
    done = edgecv("calibrate", "x")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "error: of another model" in done.stderr
    assert edgecv("calibrate", "x", "--tensorrt-cache", "11.0.0").exit_code == 2
    assert edgecv("calibrate", "x", "--images", -1).exit_code == 2
    assert len(calibrate.asked) == 1  # what cannot be written is not measured
