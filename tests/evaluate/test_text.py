from pathlib import Path

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
