"""The YOLO heads: as many roles as scales, and one of each a scale."""

import pytest
from pydantic import ValidationError

from edgecv.head.yolo import YoloV1Head, YoloV3Head

TINY = {"anchors": [[[81, 82]], [[10, 14], [23, 27]]], "strides": [32, 16]}


def test_there_is_a_role_a_scale():
    assert YoloV3Head.roles == YoloV3Head().roles == ("scale1", "scale2", "scale3")
    head = YoloV3Head(**TINY, outputs={"scale2": "conv_22"})
    assert head.roles == ("scale1", "scale2")
    assert [head.tensor(role) for role in head.roles] == ["scale1", "conv_22"]
    with pytest.raises(ValidationError, match="unknown role 'scale3'"):
        YoloV3Head(**TINY, outputs={"scale3": "x"})


def test_a_recipe_keeps_what_it_says():
    head = YoloV3Head(**TINY, scale_xy=[1.05, 1.2])
    assert YoloV3Head.model_validate(head.model_dump(mode="json")) == head
    assert YoloV1Head().roles == ("grid",)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param({"strides": [32, 16]}, "anchors have 3 scales", id="strides"),
        pytest.param({"scale_xy": [1, 2]}, "anchors have 3 scales", id="scale_xy"),
        pytest.param({**TINY, "strides": [0, 16]}, "stride > 0", id="stride"),
        pytest.param({"anchors": [[]], "strides": [8]}, "at least one anchor", id="empty"),
        pytest.param({"anchors": [[[1, 1]]] * 6, "strides": [1] * 6}, "at most 5", id="six"),
    ],
)
def test_refuses(values, says):
    with pytest.raises(ValidationError, match=says):
        YoloV3Head(**values)
