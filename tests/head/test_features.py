"""Heads of features refuse what has no meaning."""

import pytest
from pydantic import ValidationError

from edgecv.head import HEADS
from edgecv.head.features import KeypointsHead


def test_defaults_are_superpoints():
    head = KeypointsHead()
    assert (head.score, head.radius, head.border, head.stride) == (0.005, 4, 4, 8)
    assert {kind for kind, head in HEADS.items() if head.task == "features"} == {
        "keypoints",
        "features",
    }


@pytest.mark.parametrize(
    "value", [{"rounds": 0}, {"max_keypoints": 5000}, {"grid": "nearest"}, {"form": "logits"}]
)
def test_refuses(value):
    with pytest.raises(ValidationError, match=next(iter(value))):
        KeypointsHead(**value)
