"""`edgecv build`: every option reaches the request; ranges over --data come from calibrate."""

import json
from pathlib import Path

import pytest

from edgecv.build.finish import describe
from edgecv.build.request import Request
from edgecv.errors import UnsupportedModel


@pytest.fixture
def bundle(tiny_bundle):
    return tiny_bundle("classify")


def test_without_options_the_recipe_decides(stage, edgecv, bundle):
    fulfil = stage("edgecv.build.request:fulfil", bundle)
    assert edgecv("build", "tiny/resnet").exit_code == 0
    request = fulfil.asked[0]["request"]
    assert request == Request(Path("tiny/resnet"), Path("runs"), answers=request.answers)
    assert not any(request.answers.values())


def test_every_option_reaches_the_request(stage, edgecv, bundle):
    fulfil = stage("edgecv.build.request:fulfil", bundle)
    words = "-p int8 --backend openvino --target sm86,sm89 --out O --force --runs R -q".split()
    words += ["--set", "build.rest=fp16", "--set", "build.threads=2", "--data", "D"]
    words += "--task classify --head classify --size 32x48 --mean 1,2,3 --std 4".split()
    done = edgecv("build", "m.onnx", *words, "--color", "bgr", "--resize", "crop")
    assert done.exit_code == 0, done.output
    assert fulfil.asked[0]["request"] == Request(
        Path("m.onnx"),
        Path("R"),
        precision="int8",
        backend="openvino",
        targets=("sm86", "sm89"),
        out=Path("O"),
        force=True,
        overrides=("build.rest=fp16", "build.threads=2"),
        answers={
            "task": "classify",
            "head": "classify",
            "size": [32, 48],
            "mean": [1.0, 2.0, 3.0],
            "std": [4.0],
            "color": "bgr",
            "resize": "crop",
        },
        data=Path("D"),
    )
    assert fulfil.quiet == [True]


def test_ranges_over_a_folder_are_the_calibrate_stages(stage, edgecv, bundle):
    fulfil = stage("edgecv.build.request:fulfil", bundle)
    calibrate = stage("edgecv.calibrate:calibrate_recipe", None)
    edgecv("build", "m.onnx")
    fulfil.asked[0]["calibrate"]("a recipe", "its run", Path("pictures"))
    assert calibrate.asked == [{"recipe": "a recipe", "run": "its run", "images": Path("pictures")}]


def test_json_describes_the_bundle_and_text_names_it(stage, edgecv, bundle):
    stage("edgecv.build.request:fulfil", bundle)
    said = json.loads(edgecv("build", "x", "--json").stdout)
    assert said == json.loads(json.dumps(describe(bundle)))
    assert (said["bundle"], said["backend"]) == (str(bundle), "onnxruntime")
    assert edgecv("build", "x").stdout == f"bundle  {bundle}\n"


def test_exit_codes(stage, edgecv):
    fulfil = stage("edgecv.build.request:fulfil", UnsupportedModel("no such node"))
    assert edgecv("build", "m.onnx").exit_code == 2
    assert len(fulfil.asked) == 1
    for option, value in (("--size", "32by48"), ("--mean", "one")):
        done = edgecv("build", "m.onnx", option, value)
        assert (done.exit_code, f"got: {value}" in done.stderr) == (2, True), done.output
    assert len(fulfil.asked) == 1
