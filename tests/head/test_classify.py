"""The classifiers' head: how many classes a result keeps, and what makes them probabilities."""

import pytest
from pydantic import ValidationError

from edgecv.head.classify import ClassifyHead


def test_defaults_are_logits_and_five_classes():
    head = ClassifyHead()
    assert (head.task, head.roles, head.parts) == ("classify", ("logits",), ())
    assert (head.activation, head.topk, head.names) == ("softmax", 5, ())
    assert head.sees_pixels is False


def test_class_without_a_name_is_shown_by_number():
    head = ClassifyHead(names=("cat",))
    assert (head.label(0), head.label(1), head.label(-1)) == ("cat", "1", "-1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"outputs": {"boxes": "x"}}, "unknown role 'boxes'", id="role"),
        pytest.param({"topk": 0}, "greater than or equal to 1", id="topk"),
        pytest.param({"activation": "relu"}, "'softmax', 'sigmoid' or 'none'", id="activation"),
        pytest.param({"anchors": [1]}, "Extra inputs", id="extra"),
    ],
)
def test_wrong_values_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        ClassifyHead(**values)
