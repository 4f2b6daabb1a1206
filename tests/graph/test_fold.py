import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from edgecv.graph.fold import fold_batchnorm

NORM = ("gamma", "beta", "mean", "var")


def normalised(rng, op="Conv", *, bias=True, group=1, second_reader=False) -> onnx.ModelProto:
    """x (1, 4, 5, 5) -> `op` -> BatchNormalization -> y."""
    values = {name: rng.uniform(0.5, 2, 4) for name in NORM}
    values["w"] = rng.normal(size=(4, 4 // group, 3, 3))
    inputs = ["x", "w"]
    if bias:
        values["b"] = rng.normal(size=4)
        inputs.append("b")
    nodes = [
        helper.make_node(op, inputs, ["c"], name="conv", group=group),
        helper.make_node("BatchNormalization", ["c", *NORM], ["y"], name="norm", epsilon=1e-3),
    ]
    outputs = ["y"]
    if second_reader:
        nodes.append(helper.make_node("Relu", ["c"], ["z"], name="relu"))
        outputs.append("z")
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 4, 5, 5])],
        [helper.make_tensor_value_info(name, 1, None) for name in outputs],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def output(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["y"], {"x": x})[0]


FOLDED = [
    pytest.param({}, id="conv"),
    pytest.param({"bias": False}, id="no-bias"),
    pytest.param({"group": 4}, id="depthwise"),
    pytest.param({"op": "ConvTranspose"}, id="deconvolution"),
    pytest.param({"op": "ConvTranspose", "bias": False}, id="deconvolution-no-bias"),
]


@pytest.mark.parametrize("options", FOLDED)
def test_folds_without_changing_the_output(rng, options):
    model = normalised(rng, **options)
    x = rng.normal(size=(1, 4, 5, 5)).astype(np.float32)
    before = output(model, x)
    assert fold_batchnorm(model) == 1
    assert [node.op_type for node in model.graph.node] == [options.get("op", "Conv")]
    assert not {t.name for t in model.graph.initializer} & {*NORM, "w", "b"}
    np.testing.assert_allclose(output(model, x), before, rtol=1e-4, atol=1e-5)


LEFT = [
    pytest.param({"second_reader": True}, id="two-readers"),
    pytest.param({"op": "ConvTranspose", "group": 2}, id="grouped-deconvolution"),
]


@pytest.mark.parametrize("options", LEFT)
def test_leaves_what_it_cannot_fold(rng, options):
    model = normalised(rng, **options)
    before = model.SerializeToString()
    assert fold_batchnorm(model) == 0
    assert model.SerializeToString() == before
