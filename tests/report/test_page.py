import json

import cv2
import numpy as np
import pytest

from edgecv.errors import FileError, UsageError
from edgecv.report import report


def test_page_is_one_file_with_every_row(make_bundle, tmp_path):
    bundles = [
        make_bundle("fp32-openvino", "fp32", 0.95, 10.0),
        make_bundle("int8-openvino", "int8", 0.94, 2.0),
    ]
    cv2.imwrite(str(tmp_path / "scene 1.png"), np.zeros((4, 4, 3), np.uint8))
    out = tmp_path / "report"
    report(bundles, out, pictures=[tmp_path / "scene 1.png"], title="<b>mine</b>")
    html = (out / "report.html").read_text()
    assert "&lt;b&gt;mine&lt;/b&gt;" in html
    assert "<b>mine" not in html
    assert html.count("data:image/png;base64,") == 2  # the Pareto picture and the scene
    assert "http" not in html
    assert "int8 × 3" in html
    record = json.loads((out / "report.json").read_text())
    assert [row["p50_ms"] for row in record["rows"]] == [10.0, 2.0]


def test_nothing_measured_leaves_no_picture_of_older_bundles(make_bundle, tmp_path):
    out = tmp_path / "report"
    report([make_bundle("fp32-openvino", "fp32", 0.9, 1.0)], out)
    assert (out / "pareto.png").is_file()
    report([make_bundle("int8-tensorrt-rtx", "int8")], out)
    assert not (out / "pareto.png").exists()
    assert "<img" not in (out / "report.html").read_text()


def test_refuses_no_bundles_and_odd_pictures(make_bundle, tmp_path):
    with pytest.raises(UsageError, match="at least one bundle"):
        report([], tmp_path)
    with pytest.raises(UsageError, match="PNG or JPEG"):
        report([make_bundle("fp32-openvino", "fp32")], tmp_path, pictures=[tmp_path / "a.bmp"])


@pytest.mark.parametrize(
    ("content", "text"),
    [pytest.param(None, "not found", id="missing"), pytest.param(b"text", "not what", id="text")],
)
def test_picture_that_is_none_leaves_nothing(make_bundle, tmp_path, content, text):
    picture, out = tmp_path / "a.png", tmp_path / "report"
    if content:
        picture.write_bytes(content)
    with pytest.raises(FileError, match=text):
        report([make_bundle("fp32-openvino", "fp32", 0.9, 1.0)], out, pictures=[picture])
    assert not out.exists()


def test_heading_is_what_the_recipes_call_the_models(make_bundle, tmp_path):
    bundles = [make_bundle("fp32-openvino", "fp32"), make_bundle("int8-openvino", "int8")]
    report(bundles, tmp_path / "report")
    assert "<h1>tiny-net</h1>" in (tmp_path / "report" / "report.html").read_text()


def test_costs_of_int8_are_shown_where_they_were_measured(make_bundle, tmp_path):
    bundle = make_bundle("int8-openvino", "int8", 0.5, 1.0)
    report([bundle], tmp_path / "before")
    assert "node by node" not in (tmp_path / "before" / "report.html").read_text()
    nodes = [
        {"node": f"conv_{i}", "op": "Conv", "sqnr_db": 30.0 - i, "gain_db": 26.5 - i}
        for i in range(9)
    ]
    (bundle / "costs.json").write_text(json.dumps({"sqnr_db": 3.5, "nodes": nodes}))
    record = report([bundle], tmp_path / "after")
    page = (tmp_path / "after" / "report.html").read_text()
    assert "outputs at 3.5 dB" in page
    assert "+26.5" in page
    assert "conv_4" in page
    assert "conv_5" not in page
    assert record["rows"][0]["costs"][0]["node"] == "conv_0"


def test_broken_costs_are_named(make_bundle, tmp_path):
    bundle = make_bundle("int8-openvino", "int8", 0.5, 1.0)
    (bundle / "costs.json").write_text(json.dumps({"sqnr_db": 3.5, "nodes": [{"node": "a"}]}))
    with pytest.raises(FileError, match="do not fit their schema"):
        report([bundle], tmp_path / "out")
