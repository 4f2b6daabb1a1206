"""A bundle on the GPU is judged there, and gets the figures of the CPU path."""

import pytest

from edgecv.evaluate import evaluate


@pytest.mark.parametrize("kind", ["classify", "centernet"])
def test_figures_are_those_of_the_cpu(machine, plan_bundle, copied, colours, squares, kind):
    here = machine()
    data = {"classify": colours, "centernet": squares}[kind]
    mine = evaluate(plan_bundle(kind, batch=(1, 2, 4)), data=data)
    launched = [entry for entry in here.cuda.log if entry[0] == "graph_launch"]
    other = evaluate(copied(kind), data=data)
    assert mine["backend"] == "tensorrt"
    assert mine["value"] == pytest.approx(other["value"])
    assert mine["n"] == other["n"]
    assert len(launched) >= mine["n"] / 4
    here.cuda.finish()
    assert here.cuda.memory == {}
