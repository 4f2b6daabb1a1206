"""The confusion picture: darkest where a class is taken for itself, refused if it does not fit."""

import json

import cv2
import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.report import report
from edgecv.report.confusion import draw_confusion


def test_diagonal_is_dark_and_an_unseen_class_white(tmp_path):
    path = tmp_path / "c.png"
    draw_confusion(np.diag([5] * 24 + [0]), [str(i) for i in range(25)], path)
    picture = cv2.imread(str(path)).astype(int)
    blue = picture[..., 0] - picture[..., 2]  # matplotlib's Blues: white is 0
    dark = (picture.sum(2) < 350) & (blue > 50)
    rows, columns = np.nonzero(dark)
    centre = np.corrcoef(rows, columns)[0, 1]
    assert centre > 0.9  # dark cells lie on the diagonal


def test_counts_are_written_where_they_can_be_read(tmp_path):
    few, many = tmp_path / "few.png", tmp_path / "many.png"
    draw_confusion([[3, 1], [0, 0]], ["a", "b"], few)
    draw_confusion(np.ones((120, 120)), [str(i) for i in range(120)], many)
    assert few.stat().st_size > 0
    assert many.stat().st_size > 0


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1]], []], ids=["oblong", "names", "empty"])
def test_refuses_what_is_not_square_or_not_named(tmp_path, matrix):
    with pytest.raises(ShapeError, match="a confusion matrix is square"):
        draw_confusion(matrix, ["a", "b"], tmp_path / "c.png")


def test_report_embeds_one_a_run(make_bundle, tmp_path):
    bundle = make_bundle("fp32-openvino", "fp32", accuracy=0.9, latency=1.0)
    record = json.loads((bundle / "accuracy.json").read_text())
    record |= {"confusion": [[9, 1], [0, 10]], "per_class": [{"name": "a"}, {"name": "b"}]}
    (bundle / "accuracy.json").write_text(json.dumps(record))
    out = tmp_path / "report"
    written = report([bundle], out)
    assert (out / "confusion-tiny-net.png").exists()
    assert "Confusion matrix of tiny-net / fp32-openvino" in (out / "report.html").read_text()
    assert written["rows"][0]["confusion"] == [[9, 1], [0, 10]]
