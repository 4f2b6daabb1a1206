"""Every slim architecture becomes an engine of every backend in three precisions.

What the CPU engines compute is held to torch. The full-size variants go the same way by
`make full-check` (docs/support.md).
"""

from __future__ import annotations

import pytest

pytest.importorskip("openvino")
pytest.importorskip("tensorrt_rtx")

from benchmarks.zoo_engines import CPU, check
from edgecv.zoo.registry import variants

NAMES = sorted(n for n, info in variants().items() if "tiny" in n and info.task == "classify")
# Length of the difference from torch, relative to the length of its logits.
LIMIT = {"fp32": 1e-4, "fp16": 2e-2, "int8": 0.3}


def test_a_slim_form_of_every_classifier_is_walked():
    modules = {info.module for info in variants().values() if info.task == "classify"}
    assert {variants()[name].module for name in NAMES} == modules


@pytest.mark.parametrize("name", NAMES)
def test_slim_network_builds_everywhere_and_computes_alike(name, tmp_path):
    row = check(name, (32, 32), tmp_path)
    assert row["distinct"] > 5  # not a constant (SqueezeNet ends in a ReLU)
    for precision, limit in LIMIT.items():
        for backend in CPU:
            gap = row[precision][backend]
            assert isinstance(gap, float), f"{precision} {backend}: {gap}"
            assert gap <= limit, f"{precision} {backend}"
        assert isinstance(row[precision]["rtx"], dict), row[precision]["rtx"]
    assert row["kept"] == {}
    # TensorRT-RTX fuses a slim gate into what follows
    assert row["int8"]["rtx"]["int8"] >= row["quantized"] - row["small_gates"]
