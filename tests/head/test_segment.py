"""The head of segmenters."""

import pytest
from pydantic import ValidationError

from edgecv.head.segment import SegmentHead


def test_it_is_of_its_own_task():
    head = SegmentHead(names=("sky", "road"), outputs={"logits": "out"})
    assert (head.task, head.roles, head.tensor("logits")) == ("segment", ("logits",), "out")
    assert (head.form, head.align_corners) == ("logits", False)


def test_only_a_crf_sees_pixels():
    assert not SegmentHead().sees_pixels
    head = SegmentHead(crf={"kind": "conv", "blur": 2})
    assert head.sees_pixels
    assert SegmentHead.model_validate(head.model_dump()) == head


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param({"threshold": 0}, "greater than 0", id="threshold-0"),
        pytest.param({"threshold": 1}, "less than 1", id="threshold-1"),
        pytest.param({"form": "argmax"}, "'logits' or 'labels'", id="form"),
        pytest.param({"crf": {"kind": "dense"}, "form": "labels"}, "needs scores", id="crf-labels"),
        pytest.param({"crf": {"kind": "sparse"}}, "'dense', 'conv'", id="crf-kind"),
        pytest.param({"crf": {"kind": "conv", "filter_size": 4}}, "odd", id="crf-filter"),
        pytest.param({"crf": {"kind": "conv", "blur": 3}}, "even", id="crf-blur"),
        pytest.param({"crf": {"kind": "dense", "color_sigma": 0}}, "greater", id="crf-sigma"),
    ],
)
def test_wrong_values_are_refused(values, says):
    with pytest.raises(ValidationError, match=says):
        SegmentHead(**values)
