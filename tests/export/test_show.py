"""What a person reads after an export, to the letter."""

from pathlib import Path

from edgecv.export.show import summary


def test_a_record_by_hand():
    outputs = [
        {"name": "heatmap", "absolute": 1.5e-6, "relative": 3e-7},
        {"name": "size", "absolute": 0.0, "relative": 0.0},
    ]
    record = {
        "opset": 17,
        "batch": [1, 4, 8],
        "parity": {
            "outputs": outputs,
            "limit": 1e-4,
            "against": "torch",
            "images": 3,
            "inputs": "held-out",
        },
    }
    assert summary(record, Path("runs/x/model.onnx")).splitlines() == [
        "model   runs/x/model.onnx  opset 17  batch [1, 4, 8]",
        "parity  heatmap      max |Δ| 1.5e-06  relative 3.0e-07  (limit 1e-04)",
        "parity  size         max |Δ| 0.0e+00  relative 0.0e+00  (limit 1e-04)",
        "against torch on 3 inputs: held-out",
    ]
