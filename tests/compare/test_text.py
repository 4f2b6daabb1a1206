"""A comparison as text: every kind of agreement, every verdict, the worst nodes."""

import pytest

from edgecv.compare.differences import EXACT_DB
from edgecv.compare.text import as_text

CLASSES = {"same_class": 0.75, "max_score_gap": 0.125}


def report(row=(), layers=(), costs=()):
    gap = {"max_abs": 0.5, "relative": 0.25, "sqnr_db": 12.34}
    plain = {"before": "torch", "side": "onnx", "limit": 1e-3, "ok": True}
    plain |= {"tensors": {"logits": gap}, "agreement": CLASSES, **dict(row)}
    return {
        "images": 3,
        "source": "digits, val",
        "reference": "torch",
        "rows": [plain],
        "layers": list(layers),
        "costs": list(costs),
    }


def test_a_step_by_hand():
    assert as_text(report()).splitlines() == [
        "3 images (digits, val); results judged by torch",
        "torch -> onnx  ok",
        "  logits      max 5.00e-01, relative 2.50e-01, limit 1.0e-03, SQNR 12.3 dB",
        "  results     same best class on 75.0% of images, largest score gap 0.1250",
    ]


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        pytest.param({"ok": False}, "torch -> onnx  FAILED", id="failed"),
        pytest.param({"limit": None}, "torch -> onnx", id="lower-precision"),
    ],
)
def test_a_verdict_is_given_where_there_is_a_limit(row, verdict):
    lines = as_text(report(row)).splitlines()
    assert lines[1] == verdict
    assert (", limit " in lines[2]) == ("limit" not in row)


def test_equal_is_exact_and_endless_is_inf():
    gap = {"max_abs": None, "relative": None, "sqnr_db": EXACT_DB}
    line = as_text(report({"tensors": {"y": gap}, "limit": None})).splitlines()[2]
    assert line == "  y           max inf, relative inf, SQNR exact"


AGREEMENTS = [
    pytest.param(CLASSES, "same best class on 75.0% of images", id="classify"),
    pytest.param(
        {"joints": 34, "near5": 0.5, "near1": 0.25},
        "34 joints: 50.0% within 5 % of the picture, 25.0% within 1 %",
        id="pose",
    ),
    pytest.param(
        {"keypoints": 9, "near3": 0.5, "near1": 0.25},
        "9 keypoints of both, matched 50.0% within 3 pixels, 25.0% within 1 pixel",
        id="features",
    ),
    pytest.param(
        {"pixels": 400, "same_label": 0.98765}, "same label on 98.77% of 400 pixels", id="segment"
    ),
    pytest.param(
        {"boxes": 7, "iou50": 1.0, "iou90": 0.5},
        "7 boxes of both, matched 100.0% at IoU 0.5, 50.0% at IoU 0.9",
        id="detect",
    ),
]


@pytest.mark.parametrize(("agreement", "words"), AGREEMENTS)
def test_every_kind_of_result_has_its_words(agreement, words):
    line = as_text(report({"agreement": agreement})).splitlines()[3]
    assert line.startswith(f"  results     {words}")


def test_nodes_are_listed_worst_first_as_given_and_no_more_than_eight():
    nodes = [
        {"sqnr_db": 5.0 + i, "quantized": i == 0, "op": "Conv", "node": f"n{i}"} for i in range(9)
    ]
    nodes.append({"sqnr_db": EXACT_DB, "quantized": False, "op": "Relu", "node": "same"})
    lines = as_text(report(layers=[{"bundle": "B", "first": "n0", "nodes": nodes}])).splitlines()
    assert lines[4:6] == [
        "B: diverges first at n0; the worst:",
        "     5.0 dB  int8 Conv              n0",
    ]
    assert len(lines) == 5 + 8
    quiet = {"bundle": "B", "first": None, "nodes": nodes[-1:]}
    assert as_text(report(layers=[quiet])).splitlines()[4:] == ["B: no node below 20 dB"]


def test_nodes_worth_keeping_in_float_are_told_with_the_line_to_type():
    nodes = [
        {"sqnr_db": 20.0 + gain, "gain_db": gain, "op": "Conv", "node": f"n{i}"}
        for i, gain in enumerate((5.0, 1.25, 0.5, 0.3, 0.29, -0.5))
    ]
    costs = [{"bundle": "B", "sqnr_db": 20.0, "nodes": nodes}]
    assert as_text(report(costs=costs)).splitlines()[4:] == [
        "B: its outputs have 20.0 dB; with one node left in float:",
        "    25.0 dB   +5.0  Conv              n0",
        "    21.2 dB   +1.2  Conv              n1",
        "    20.5 dB   +0.5  Conv              n2",
        "    20.3 dB   +0.3  Conv              n3",
        "to keep the first in float: --precision mixed --set build.keep=[n0,n1,n2]",
    ]
    few = [{"bundle": "B", "sqnr_db": 20.0, "nodes": nodes[4:]}]
    last = as_text(report(costs=few)).splitlines()[-1]
    assert last == "  no node alone brings 0.3 dB: the loss is spread over all"
