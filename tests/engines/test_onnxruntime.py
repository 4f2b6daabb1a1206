"""ONNX Runtime tells what each node really computed in."""

import pytest

from edgecv import engines
from edgecv.errors import MachineError


@pytest.mark.parametrize("kind", ["fp32", "fp16", "int8"])
def test_layers_tell_the_precision_that_was_computed_in(save_net, kind):
    engine = engines.load_engine("onnxruntime", save_net(kind), precision=kind)
    counts = engines.count_precisions(engine.layers())
    # on x86 its convolutions run in fp32 for fp16 and for symmetric Q/DQ graphs: not hidden
    assert counts.get("fp32", 0) + counts.get("int8", 0) >= 4
    assert "unknown" not in counts


def test_a_closed_engine_says_so(save_net):
    engine = engines.load_engine("onnxruntime", save_net(), precision="fp32")
    engine.close()
    with pytest.raises(MachineError, match="was closed"):
        engine.execute(engines.zeros(engine.inputs))
