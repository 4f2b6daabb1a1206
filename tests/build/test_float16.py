import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.build.float16 import retype_float16
from edgecv.errors import UnsupportedModel

F, H = TensorProto.FLOAT, TensorProto.FLOAT16


def graph_of(nodes, *, outputs=("y",), shape=(1, 2, 4, 4), **stored) -> onnx.ModelProto:
    """x (`shape`) -> nodes -> outputs, float32, opset 20, every node named."""
    for at, node in enumerate(nodes):
        node.name = node.name or f"n{at}"
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", F, shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    for at in model.graph.node:
        if at.op_type == "Resize" and len(at.input) == 2:
            at.input.insert(1, "")  # no region: str.split drops the empty name
    return onnx.shape_inference.infer_shapes(model)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), output.split(), **attributes)


def types(model: onnx.ModelProto) -> dict[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*inferred.value_info, *inferred.input, *inferred.output)
    return {v.name: v.type.tensor_type.elem_type for v in values}


CASES = [
    pytest.param([node("Relu", "x", "y")], ("y",), {}, id="plain"),
    pytest.param(
        [node("Relu", "x", "r"), node("Neg", "r", "y")], ("r", "y"), {}, id="inner-output"
    ),
    pytest.param([node("Mul", "x k", "y")], ("y",), {"k": np.float32([[[[3.0]]]])}, id="constant"),
    pytest.param(
        [node("Resize", "x  s", "a", mode="nearest"), node("Resize", "a  s", "y", mode="nearest")],
        ("y",),
        {"s": np.float32([1, 1, 2, 2])},
        id="two-resizes-share-scales",
    ),
    pytest.param([node("LRN", "x", "l", size=3), node("Relu", "l", "y")], ("y",), {}, id="lrn"),
    pytest.param([node("LRN", "x", "y", size=3)], ("y",), {}, id="output-made-in-float"),
    pytest.param(
        [node("Cast", "x", "i", to=6), node("Cast", "i", "f", to=1), node("Add", "f x", "y")],
        ("y",),
        {},
        id="cast-to-float",
    ),
    pytest.param(
        [node("Shape", "x", "s"), node("ConstantOfShape", "s", "z"), node("Sub", "z x", "y")],
        ("y",),
        {},
        id="constant-of-shape",
    ),
    pytest.param([node("TopK", "x k", "y i", axis=-1)], ("y",), {"k": np.int64([2])}, id="topk"),
    pytest.param(
        [node("Clip", "x lo hi", "y")],
        ("y",),
        {"lo": np.float32(-1), "hi": np.float32(0.5)},
        id="scalars",
    ),
]


@pytest.mark.parametrize(("nodes", "outputs", "stored"), CASES)
def test_valid_half_typed_and_close(rng, run, nodes, outputs, stored):
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    model = graph_of(copies, outputs=outputs, **stored)
    x = rng.normal(size=(1, 2, 4, 4)).astype(np.float32)
    before = run(model, x)
    assert retype_float16(model) == ()
    onnx.checker.check_model(model, full_check=True)
    for ours, theirs in zip(run(model, x), before, strict=True):
        assert ours.dtype == theirs.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)
    names = [n.name for n in model.graph.node]
    assert len(names) == len(set(names))


def test_everything_but_io_and_the_named_operators_is_half():
    model = graph_of([node("Relu", "x", "r"), node("LRN", "r", "l", size=3), node("Neg", "l", "y")])
    retype_float16(model)
    found = types(model)
    assert (found["x"], found["y"]) == (F, F)
    assert (found["r"], found["l"]) == (H, H)
    assert found["r/float"] == F


def test_a_stored_constant_that_is_an_output_stays(run):
    model = graph_of([node("Add", "x k", "y")], k=np.float32([0.5]))
    model.graph.output.append(helper.make_tensor_value_info("k", F, (1,)))
    assert retype_float16(model) == ()
    y, k = run(model, np.ones((1, 2, 4, 4), np.float32))
    assert (y.dtype, float(y.max()), k.dtype, k.tolist()) == (np.float32, 1.5, np.float32, [0.5])


def test_branches_keep_their_types(rng, run):
    def branch(name, op):
        inner = helper.make_node(op, ["r", "k"], [f"{name}y"], name=f"{name}n")
        return helper.make_graph(
            [inner], name, [], [helper.make_tensor_value_info(f"{name}y", F, None)]
        )

    choose = helper.make_node(
        "If", ["c"], ["y"], then_branch=branch("t", "Add"), else_branch=branch("e", "Mul")
    )
    model = graph_of([node("Relu", "x", "r"), choose], c=np.array(True), k=np.float32(2))
    x = rng.normal(size=(1, 2, 4, 4)).astype(np.float32)
    before = run(model, x)[0]
    retype_float16(model)
    onnx.checker.check_model(model)
    np.testing.assert_allclose(run(model, x)[0], before, atol=2e-3)


def test_overflow_is_clipped_and_said():
    model = graph_of([node("Mul", "x k", "y")], k=np.float32([[[[1e6, -2e9, 1, 0]]]]))
    (warning,) = retype_float16(model)
    assert warning == "fp16: 2 of 4 values of k clipped to ±65504 (largest |value| 2e+09)"
    value = numpy_helper.to_array(model.graph.initializer[0])
    assert value.tolist() == [[[[65504, -65504, 1, 0]]]]


def test_lone_epsilon_stays_above_zero(rng, run):
    nodes = [node("Mul", "x zero", "n"), node("Add", "n eps", "d"), node("Div", "n d", "y")]
    model = graph_of(nodes, zero=np.float32(0), eps=np.float32(1e-12))
    (warning,) = retype_float16(model)
    assert "eps = 1e-12 raised" in warning
    assert not run(model, rng.normal(size=(1, 2, 4, 4)).astype(np.float32))[0].any()


def test_refuses_what_it_cannot_type():
    model = graph_of([node("Neg", "x", "y")])
    mystery = helper.make_node("Mystery", ["y"], ["z"], name="m", domain="nobody")
    model.graph.node.append(mystery)
    model.opset_import.append(helper.make_opsetid("nobody", 1))
    with pytest.raises(UnsupportedModel, match=r"(?s)type of a tensor cannot be inferred.*Mystery"):
        retype_float16(model)
