from pathlib import Path

import pytest

from edgecv.evaluate.text import summary


def test_numbers_intervals_and_reference_are_shown():
    written = {
        "n": 500,
        "all": {
            "mAP@0.5": {"value": 0.91, "interval": [0.9, 0.92]},
            "mAP@0.5:0.95": {"value": 0.6, "interval": None},
        },
        "reference": {
            "bundle": "fp32-openvino",
            "metric": "mAP@0.5",
            "value": 0.915,
            "delta": -0.005,
            "delta_interval": [-0.01, 0.001],
        },
    }
    assert summary(Path("runs/x"), written).splitlines() == [
        "mAP@0.5       0.9100  [0.9000, 0.9200]  n=500",
        "mAP@0.5:0.95  0.6000  n=500",
        "fp32-openvino: mAP@0.5 0.9150, delta -0.0050  [-0.0100, +0.0010]",
        "accuracy  runs/x/accuracy.json",
    ]


@pytest.mark.parametrize(("classes", "shown"), [(5, False), (6, True)])
def test_top5_of_five_classes_says_nothing(classes, shown):
    one = {"value": 1.0, "interval": None}
    written = {"n": 9, "all": {"top-1": one, "top-5": one}, "reference": None}
    text = summary(Path("x"), written | {"per_class": [{"name": "a"}] * classes})
    assert "top-1" in text
    assert ("top-5" in text) is shown


@pytest.mark.parametrize(
    ("name", "delta", "interval", "advised"),
    [
        ("int8-openvino", -0.02, [-0.03, -0.01], True),
        ("int8-openvino", -0.004, [-0.006, -0.002], False),  # little
        ("int8-openvino", -0.02, [-0.05, 0.01], False),  # may be chance
        ("int8-openvino", -0.02, None, False),
        ("fp16-openvino", -0.02, [-0.03, -0.01], False),
    ],
)
def test_a_loss_of_int8_says_how_to_find_its_nodes(name, delta, interval, advised):
    reference = {
        "bundle": "fp32-openvino",
        "metric": "top-1",
        "value": 0.9,
        "delta": delta,
        "delta_interval": interval,
    }
    text = summary(Path("runs/net") / name, {"all": {}, "n": 10, "reference": reference})
    command = "edgecv compare runs/net/fp32-openvino runs/net/int8-openvino --costs"
    assert (command in text) == advised
