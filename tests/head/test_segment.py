"""The head of segmenters."""

import pytest
from pydantic import ValidationError

from edgecv.head.segment import SegmentHead


def test_it_is_of_its_own_task():
    head = SegmentHead(names=("sky", "road"), outputs={"logits": "out"})
    assert (head.task, head.roles, head.tensor("logits")) == ("segment", ("logits",), "out")
    assert (head.form, head.align_corners) == ("logits", False)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param({"threshold": 0}, "greater than 0", id="threshold-0"),
        pytest.param({"threshold": 1}, "less than 1", id="threshold-1"),
        pytest.param({"form": "argmax"}, "'logits' or 'labels'", id="form"),
    ],
)
def test_wrong_values_are_refused(values, says):
    with pytest.raises(ValidationError, match=says):
        SegmentHead(**values)
