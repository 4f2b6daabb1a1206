"""The part of a foreign message that a person needs."""

import pytest

from edgecv.graph.reason import reason


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(ValueError("bad node n1"), "bad node n1", id="line"),
        pytest.param(ValueError("\n  first \nsecond\n"), "first ", id="first-line"),
        pytest.param(ValueError(), "ValueError", id="no-text"),
        pytest.param(KeyError("  "), "'  '", id="key"),
        pytest.param(RuntimeError(" \n "), "RuntimeError", id="blank"),
    ],
)
def test_it_is_the_first_line_or_the_type(error, text):
    assert reason(error) == text


def test_a_quoted_graph_is_cut():
    assert reason(ValueError("x" * 401)) == "x" * 400
    assert reason(ValueError("x" * 400)) == "x" * 400
