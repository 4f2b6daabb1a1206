"""`edgecv demo`: one call, then the table of what it built and where the rest lies."""

import json
from pathlib import Path

import pytest

from edgecv.demo import Demo
from edgecv.errors import MachineError
from edgecv.report import collect, table


@pytest.fixture
def made(tiny_bundle):
    out = Path("R/demo")
    bundles = (tiny_bundle("classify"), tiny_bundle("centernet"))
    return Demo(bundles, (out / "pictures" / "0.png",), out / "video.mp4", out / "report.html")


def test_options_reach_the_stage(stage, edgecv, made):
    demo = stage("edgecv.demo:demo", made)
    words = "--runs R --backend openvino --set train.steps=1 -q".split()
    assert edgecv("demo", *words).exit_code == 0
    assert edgecv("demo").exit_code == 0
    assert demo.asked == [
        {"runs": Path("R"), "backend": "openvino", "overrides": ["train.steps=1"]},
        {"runs": Path("runs"), "backend": "auto", "overrides": ()},
    ]
    assert demo.quiet == [True, False]


def test_json_and_text_show_every_bundle(stage, edgecv, made):
    stage("edgecv.demo:demo", made)
    said = json.loads(edgecv("demo", "--json").stdout)
    assert [row["run_id"] for row in said["rows"]] == ["tiny-classify", "tiny-centernet"]
    assert said["report"] == "R/demo/report.html"
    assert edgecv("demo").stdout == (
        f"{table(collect(made.bundles))}\n\npictures  R/demo/pictures\n"
        "video     R/demo/video.mp4\nreport    R/demo/report.html\n"
    )


def test_what_a_stage_refuses_is_its_exit_code(stage, edgecv):
    stage("edgecv.demo:demo", MachineError("no engine here"))
    assert edgecv("demo").exit_code == 3
