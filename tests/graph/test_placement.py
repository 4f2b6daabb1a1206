import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgecv.errors import UnknownName
from edgecv.graph.placement import place


def model(text: str, **weights: tuple[int, ...]) -> onnx.ModelProto:
    """A model of one line a node: `output = Op(inputs)`; x and y are (1, 4, 8, 8) inputs."""
    nodes = []
    for line in filter(None, map(str.strip, text.splitlines())):
        output, _, call = line.partition(" = ")
        op, _, rest = call.rstrip(")").partition("(")
        inputs = [part for part in rest.split(", ") if "=" not in part]
        pairs = (part.split("=") for part in rest.split(", ") if "=" in part)
        given = {key: float(v) if "." in v else int(v) for key, v in pairs}
        nodes.append(helper.make_node(op, inputs, [output], name=output.upper(), **given))
    io = [helper.make_tensor_value_info(name, 1, [1, 4, 8, 8]) for name in ("x", "y")]
    stored = [numpy_helper.from_array(np.ones(s, np.float32), n) for n, s in weights.items()]
    last = helper.make_tensor_value_info(nodes[-1].output[0], 1, None)
    return helper.make_model(helper.make_graph(nodes, "g", io, [last], stored))


def test_q_lands_after_relu_concat_and_pooling():
    placement = place(
        model(
            """
            a = Conv(x, w)
            r = Relu(a)
            k = Concat(r, y, axis=1)
            b = Conv(k, v)
            p = GlobalAveragePool(b)
            c = Conv(p, w)
            """,
            w=(4, 4, 1, 1),
            v=(4, 8, 1, 1),
        )
    )
    assert placement.tensors == ("x", "k", "p")
    assert placement.nodes == ("A", "B", "C")
    assert placement.kept == {}


def test_residual_reads_the_quantised_skip_only():
    placement = place(
        model(
            """
            r = Relu(x)
            a = Conv(r, w)
            s = Add(a, r)
            t = Relu(s)
            b = Conv(t, w)
            u = Add(y, b)
            """,
            w=(4, 4, 1, 1),
        )
    )
    assert placement.skips == (("S", "r"),), "y is not quantised for anyone else"


def test_skip_is_not_shared_when_the_branch_has_another_reader():
    placement = place(
        model("a = Conv(x, w)\ns = Add(a, x)\nb = Conv(s, w)\nt = Add(b, a)", w=(4, 4, 1, 1))
    )
    assert placement.skips == ()


AXES = [
    pytest.param("z = Conv(x, w)", (4, 4, 1, 1), 0, id="conv"),
    pytest.param("z = Conv(x, w, group=4)", (4, 1, 3, 3), 0, id="depthwise"),
    pytest.param("z = Gemm(x, w, transB=1)", (5, 8), 0, id="gemm-transposed"),
    pytest.param("z = Gemm(x, w)", (8, 5), 1, id="gemm"),
    pytest.param("z = MatMul(x, w)", (8, 5), 1, id="matmul"),
]


@pytest.mark.parametrize(("text", "shape", "axis"), AXES)
def test_axis_is_the_output_channels(text, shape, axis):
    assert place(model(text, w=shape)).operands["Z"].axis == axis


KEPT = [
    pytest.param("z = ConvTranspose(x, w)", (4, 4, 2, 2), "ConvTranspose", id="deconvolution"),
    pytest.param("z = Conv(x, y)", (1,), "not a stored constant", id="computed-weight"),
    pytest.param(
        "d = DequantizeLinear(w, s)\nz = Conv(x, d)", (4, 4, 1, 1), "quantised already", id="q-dq"
    ),
    pytest.param("z = MatMul(x, y)", (1,), "both operands are activations", id="attention"),
    pytest.param("z = MatMul(w, x)", (8, 8), "constant is on the left", id="left-constant"),
    pytest.param("z = MatMul(x, w)", (1, 4, 8, 5), "rank", id="batched-weight"),
    pytest.param("z = Conv(x, w)", (4, 4, 1), "rank", id="conv1d"),
    pytest.param("z = Gemm(x, w, alpha=0.5)", (8, 5), "alpha", id="scaled-gemm"),
    pytest.param("z = Gemm(x, w, beta=0.5)", (8, 5), "beta", id="scaled-bias"),
    pytest.param("z = Gemm(x, w, transA=1)", (8, 5), "transA", id="transposed-data"),
]


@pytest.mark.parametrize(("text", "shape", "reason"), KEPT)
def test_what_stays_in_float_says_why(text, shape, reason):
    placement = place(model(text, w=shape))
    assert placement.nodes == ()
    assert reason in placement.kept["Z"]


def test_keep_takes_names_and_globs():
    net = model("a = Conv(x, w)\nb = Conv(a, w)\nc = Conv(b, w)", w=(4, 4, 1, 1))
    assert place(net, ["A", "[C]"]).nodes == ("B",)
    assert place(net, ["*"]).tensors == ()
    with pytest.raises(UnknownName, match="unknown node to keep 'D'"):
        place(net, ["D"])


def test_name_that_looks_like_a_glob_is_taken_literally():
    net = model("a = Conv(x, w)", w=(4, 4, 1, 1))
    net.graph.node[0].name = "/layer[0]/Conv"
    assert list(place(net, ["/layer[0]/Conv"]).kept) == ["/layer[0]/Conv"]
