import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.graph.lower import lower_opset


def one(op: str, *constants: np.ndarray, outputs: int = 1, opset: int = 20, **attributes):
    """x (2, 6, 8, 8) -> `op` with stored constants; an empty constant is an input left out."""
    names = [f"k{i}" if c.size else "" for i, c in enumerate(constants)]
    made = [f"y{i}" for i in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *names], made, name=f"the_{op}", **attributes)],
        "g",
        [helper.make_tensor_value_info("x", 1, [2, 6, 8, 8])],
        [helper.make_empty_tensor_value_info(name) for name in made],
        [numpy_helper.from_array(c, n) for c, n in zip(constants, names, strict=True) if n],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model)


def outputs(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})


def axes(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


NONE = np.zeros(0, np.float32)
ZERO = np.zeros((), np.float32)
PADS = axes(0, 0, 1, 1, 0, 0, 1, 1)
TWICE = np.array([1, 1, 2, 2], np.float32)

LOWERED = [
    pytest.param(one("Relu"), id="unchanged"),
    pytest.param(one("ReduceMean", axes(2, 3), keepdims=0), id="ReduceMean"),
    pytest.param(one("ReduceMax", axes(1)), id="ReduceMax"),
    pytest.param(one("ReduceL2", keepdims=1), id="ReduceL2-all"),
    pytest.param(one("Pad", PADS, ZERO), id="Pad"),
    pytest.param(one("Split", outputs=2, axis=1, num_outputs=2), id="Split"),
    pytest.param(one("Split", outputs=3, axis=2, num_outputs=3), id="Split-uneven"),
    pytest.param(one("Resize", NONE, TWICE, mode="linear", antialias=0), id="Resize"),
    pytest.param(one("AveragePool", kernel_shape=[2, 2], dilations=[1, 1]), id="AveragePool"),
    pytest.param(one("Cast", to=10, saturate=1), id="Cast"),
    pytest.param(one("Softmax", axis=1), id="Softmax"),
]


@pytest.mark.parametrize("model", LOWERED)
def test_computes_the_same_in_opset_17(rng, model):
    x = rng.normal(size=(2, 6, 8, 8)).astype(np.float32)
    before = outputs(model, x)
    lowered = onnx.ModelProto()
    lowered.CopyFrom(model)
    lower_opset(lowered, 17)
    assert lowered.opset_import[0].version == 17
    assert lowered.ir_version == 8
    onnx.checker.check_model(lowered, full_check=True)
    for ours, theirs in zip(outputs(lowered, x), before, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


REFUSED = [
    pytest.param(one("Gelu"), r"Gelu", id="newer-operator"),
    pytest.param(one("Mish"), r"Mish", id="newer-operator-18"),
    pytest.param(
        one("Resize", NONE, TWICE, mode="linear", antialias=1), "antialias", id="antialias"
    ),
    pytest.param(
        one("AveragePool", kernel_shape=[2, 2], dilations=[2, 2]), "dilations", id="dilated-pool"
    ),
    pytest.param(one("Pad", axes(1, 1, 1, 1), ZERO, axes(2, 3)), "axes", id="pad-axes"),
    pytest.param(one("Pad", PADS, ZERO, mode="wrap"), "wrap", id="pad-wrap"),
]


@pytest.mark.parametrize(("model", "text"), REFUSED)
def test_refuses_by_name(model, text):
    with pytest.raises(UnsupportedModel, match=rf"(?s)older opset.*the_.*{text}"):
        lower_opset(model, 17)
