import cv2

from edgecv.report.pareto import draw_pareto
from edgecv.report.rows import collect


def test_picture_has_a_panel_for_each_run(make_bundle, tmp_path):
    one = collect([make_bundle("fp32-openvino", "fp32", 0.9, 3.0, run_id="a")])
    two = collect([make_bundle("fp32-openvino", "fp32", 0.9, 3.0, run_id="b")])
    draw_pareto(one, tmp_path / "one.png")
    draw_pareto([*one, *two], tmp_path / "two.png")
    narrow, wide = (cv2.imread(str(tmp_path / name)) for name in ("one.png", "two.png"))
    assert wide.shape[1] == 2 * narrow.shape[1]
    assert (narrow != 255).any()
