import pytest
from pydantic import Field

from edgecv.data.options import Options, read_options
from edgecv.errors import RecipeError


class Two(Options):
    size: int = Field(4, ge=2)
    share: float = 0.5


def test_defaults_and_given_values():
    assert read_options(Two, {}, "x") == Two()
    assert read_options(Two, {"share": 1}, "x").share == 1.0  # an int is a float


@pytest.mark.parametrize(
    ("given", "match"),
    [
        pytest.param({"sise": 3}, "nearest: size", id="misspelt"),
        pytest.param({"zzz": 3}, "known: size, share", id="unknown"),
        pytest.param({"size": 1}, r"option: data\.options\.size", id="range"),
        pytest.param({"size": 3.0}, "valid integer", id="float-for-int"),
        pytest.param({"size": True}, "valid integer", id="bool-for-int"),
        pytest.param({"share": "a lot"}, "valid number", id="text"),
    ],
)
def test_wrong_options_are_refused(given, match):
    with pytest.raises(RecipeError, match=match):
        read_options(Two, given, "x")
