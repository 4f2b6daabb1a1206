"""Sections refuse what cannot be, in their own words."""

import pytest
from pydantic import ValidationError

from edgecv.sections import Build, Data, Export, Input

WRONG = [
    pytest.param(lambda: Input(size=(0, 4)), r"1\.\.16384 pixels", id="size"),
    pytest.param(lambda: Input(size=(4, 4), std=(1, 1, 0)), "must be > 0", id="std"),
    pytest.param(lambda: Input(size=(4, 4), color="gray"), "needs 1 values", id="channels"),
    pytest.param(lambda: Export(batch=(2, 1, 4)), "min <= opt <= max", id="batch"),
    pytest.param(lambda: Build(precision="int4"), "'fp32', 'tf32'", id="precision"),
    pytest.param(lambda: Build(tolerance=float("nan")), "greater than 0|finite", id="nan"),
    pytest.param(lambda: Data(format="voc"), "'scenes', 'digits'", id="format"),
    pytest.param(lambda: Data(format="coco", val_share=1.0), "less than 1", id="share"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValidationError, match=message):
        make()


def test_batches_are_min_opt_max():
    assert Export(batch=4).batches == (4, 4, 4)
    assert Export(batch=(1, 2, 8)).batches == (1, 2, 8)


def test_a_build_has_no_default_precision():
    assert Build().precision is None


def test_sections_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Build().rest = "fp16"
