"""The YOLO v3 head; its op is tested in tests/ops/yolo_v3."""

import math

import numpy as np
import pytest

from edgecv.errors import FileError
from edgecv.head import YoloV3Head
from edgecv.ops.letterbox import Fit
from edgecv.ops.yolo_v3 import YoloLayout, YoloScale
from edgecv.runtime.heads import decode
from edgecv.runtime.heads.yolo_v3 import scales_of
from edgecv.runtime.preprocess import Geometry

PLAIN = [Geometry((32, 32), Fit(0, 0, 32, 32))]
HEAD = YoloV3Head(anchors=[[[8, 8]], [[4, 4]]], strides=[16, 8], outputs={"scale2": "fine"})


def test_by_hand():
    coarse = np.full((1, 6, 2, 2), -20, np.float32)
    fine = np.full((1, 6, 4, 4), -20, np.float32)
    coarse[0, :, 1, 0] = [0, 0, 0, math.log(2), 20, math.log(4)]
    fine[0, :, 0, 3] = [0, 0, 0, 0, 20, math.log(9)]
    (result,) = decode(HEAD, {"scale1": coarse, "fine": fine}, PLAIN)
    assert result.scores.tolist() == pytest.approx([0.9, 0.8])
    assert result.boxes.tolist() == [pytest.approx([26, 2, 30, 6]), pytest.approx([4, 16, 12, 32])]


def test_a_missing_scale_is_named():
    with pytest.raises(FileError, match="no output 'fine'"):
        decode(HEAD, {"scale1": np.zeros((1, 6, 2, 2), np.float32)}, PLAIN)


def test_one_stretch_serves_all_scales_or_each_has_its_own():
    scales, layout = scales_of(HEAD)
    assert scales == [YoloScale(16, ((8, 8),), 1), YoloScale(8, ((4, 4),), 1)]
    assert layout == YoloLayout()
    head = HEAD.model_copy(
        update={
            "scale_xy": (1.05, 1.2),
            "layout": "channels_last",
            "classes": "softmax",
            "sizes": "square",
            "multi_label": False,
        }
    )
    scales, layout = scales_of(head)
    assert [scale.scale_xy for scale in scales] == [1.05, 1.2]
    assert layout == YoloLayout(True, True, True, False)
