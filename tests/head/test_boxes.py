"""What detectors' heads share: limits of suppression, and which heads may suppress softly."""

import pytest
from pydantic import ValidationError

from edgecv.head import HEADS
from edgecv.head.boxes import BoxHead, OneStageHead


@pytest.mark.parametrize(
    ("field", "value"),
    [("score", 1.1), ("iou", -0.1), ("max_detections", 0), ("pre_nms", 30_001), ("sigma", 0)],
)
def test_refuses_what_has_no_meaning(field, value):
    with pytest.raises(ValidationError, match=field):
        OneStageHead(**{field: value})


def test_one_stage_heads_suppress_softly_and_others_refuse_it():
    soft = {kind for kind, head in HEADS.items() if issubclass(head, OneStageHead)}
    assert {"dense", "yolo_v1", "yolo_v3", "anchors"} <= soft
    with pytest.raises(ValidationError, match="soft_nms"):
        BoxHead(soft_nms="linear")
