"""The table: each row speaks of the nodes it means, and of no others."""

import numpy as np
import pytest

from edgecv.check.rewrites import RULES, Node, known_rules


def make(op, **changes):
    values = {
        "name": "n",
        "op": op,
        "attributes": {},
        "outputs": 1,
        "ranks": (4,),
        "constants": (None,),
    }
    return Node(**{**values, **changes})


SCALE, ZERO = np.float32(1), np.int8(0)
ROWS = [
    pytest.param(make("MaxPool", outputs=2), "Indices", id="indices"),
    pytest.param(make("MaxPool", attributes={"dilations": [1, 2]}), "dilations", id="dilated"),
    pytest.param(make("TopK", constants=(None, np.int64([4000]))), "above 3840", id="topk"),
    pytest.param(make("TopK", ranks=(2, 1), constants=(None, None)), "computed", id="topk-open"),
    pytest.param(make("GridSample", ranks=(5, 5)), "5-D", id="grid-5d"),
    pytest.param(make("DequantizeLinear", constants=(np.int32([1]),)), "int32", id="bias"),
    pytest.param(
        make("QuantizeLinear", constants=(None, SCALE, np.int8(1))), "zero point", id="zero-point"
    ),
    pytest.param(make("QuantizeLinear", constants=(None, np.float32(0))), "positive", id="scale"),
    pytest.param(make("Resize", attributes={"antialias": 1}), "antialias", id="antialias"),
    pytest.param(make("ScatterND", attributes={"reduction": "add"}), "reduction", id="scatter"),
    pytest.param(make("Einsum", attributes={"equation": "...i,i"}), "ellipsis", id="einsum"),
    pytest.param(make("CumSum", constants=(None, None)), "axis", id="cumsum"),
    pytest.param(make("NonMaxSuppression"), "any", id="nms"),
]


@pytest.mark.parametrize(("node", "what"), ROWS)
def test_row_speaks_of_its_node(node, what):
    assert any(what in rule.what for rule in known_rules(node))


FINE = [
    pytest.param(make("MaxPool", attributes={"dilations": [1, 1]}), id="plain-pool"),
    pytest.param(make("TopK", ranks=(2, 1), constants=(None, np.int64([3840]))), id="topk-3840"),
    pytest.param(make("GridSample"), id="grid-4d"),
    pytest.param(make("QuantizeLinear", constants=(None, SCALE, ZERO)), id="symmetric"),
    pytest.param(make("DequantizeLinear", constants=(np.int8([1]),)), id="int8-weights"),
    pytest.param(make("Resize"), id="resize"),
    pytest.param(make("ScatterND", attributes={"reduction": "none"}), id="scatter"),
    pytest.param(make("Einsum", attributes={"equation": "ij,jk->ik"}), id="einsum"),
    pytest.param(make("CumSum", constants=(None, np.int64(1))), id="cumsum"),
    pytest.param(make("Conv"), id="conv"),
]


@pytest.mark.parametrize("node", FINE)
def test_no_row_speaks_of_a_fine_node(node):
    assert known_rules(node) == ()


def test_every_row_says_who_refuses_and_what_to_do():
    assert all(rule.ops and rule.what and rule.refused_by and rule.rewrite for rule in RULES)
