"""Heads of region-based detectors and instance segmenters: what they refuse."""

import pytest
from pydantic import ValidationError

from edgecv.head.instance import TwoStageHead, TwoStageMasksHead, YolactHead


def test_roles_and_parts():
    assert len(TwoStageHead.roles) == 14
    assert TwoStageHead.parts == ("box",)
    assert TwoStageMasksHead.parts == ("box", "mask")
    assert YolactHead.parts == ()
    assert (TwoStageHead.task, TwoStageMasksHead.task) == ("detect", "instance")


@pytest.mark.parametrize(
    ("head", "values", "message"),
    [
        pytest.param(TwoStageHead, {"anchors": [32, 64]}, "at least 5 items", id="levels"),
        pytest.param(TwoStageHead, {"strides": [4, 8, 16, 0]}, "must be positive", id="stride"),
        pytest.param(TwoStageHead, {"mask_size": 14}, "Extra inputs", id="no-masks"),
        pytest.param(TwoStageMasksHead, {"mask_size": 65}, "less than or equal", id="grid"),
        pytest.param(YolactHead, {"anchors": [24]}, "one of each per level", id="anchors"),
        pytest.param(YolactHead, {"ratios": [-1]}, "must be positive", id="ratio"),
    ],
)
def test_wrong_values_are_refused(head, values, message):
    with pytest.raises(ValidationError, match=message):
        head(**values)
