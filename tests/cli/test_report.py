"""`edgecv report`: bundles in their order, to a folder; the table is printed too."""

import json
from pathlib import Path

import pytest

from edgecv.errors import FileError
from edgecv.report import collect, table


@pytest.fixture
def bundles(tiny_bundle):
    return tiny_bundle("centernet"), tiny_bundle("classify")


def test_options_reach_the_stage(stage, edgecv, bundles):
    report = stage("edgecv.report:report", {"rows": []})
    words = ["--out", "O", "--picture", "a.png", "--picture", "b.png", "--title", "T", "-q"]
    assert edgecv("report", *bundles, *words).exit_code == 0
    assert edgecv("report", bundles[0]).exit_code == 0
    first, second = report.asked
    assert [*first["bundles"]] == [*bundles]
    assert (first["pictures"], first["title"]) == ([Path("a.png"), Path("b.png")], "T")
    assert [*second["bundles"]] == [bundles[0]]
    assert (second["pictures"], second["title"]) == ((), "")
    assert [Path("O"), Path("report")] == [asked["out"] for asked in report.asked]
    assert report.quiet == [True, False]


def test_json_and_text(stage, edgecv, bundles):
    stage("edgecv.report:report", {"rows": ["x"]})
    assert json.loads(edgecv("report", *bundles, "--json").stdout) == {"rows": ["x"]}
    said = edgecv("report", *bundles, "--out", "O").stdout
    assert said == f"{table(collect(bundles))}\n\nreport  O/report.html\n"


def test_exit_codes(stage, edgecv):
    stage("edgecv.report:report", FileError("bundle not found"))
    assert edgecv("report", "B").exit_code == 2
    assert edgecv("report").exit_code == 2


def test_files_that_a_glob_finds_among_the_bundles_are_left_out(stage, edgecv, bundles, tmp_path):
    picture = tmp_path / "confusion-tiny-resnet.png"
    picture.write_bytes(b"png")
    report = stage("edgecv.report:report", {"rows": []})
    done = edgecv("report", picture, bundles[0])
    assert [asked["bundles"] for asked in report.asked] == [[bundles[0]]]
    assert f"left out, since a bundle is a folder: {picture}" in done.stderr
