"""The device's decoder of the head `paf` against the CPU's."""

import numpy as np
import pytest

from benchmarks.pose_maps import draw
from edgecv.errors import ShapeError
from edgecv.head import PafHead
from edgecv.runtime.cuda_heads.paf import Decoder
from tests.runtime.cuda_heads.detectors import ONCE
from tests.runtime.cuda_heads.people import same_on_the_device


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_people_equal_the_cpu(session, dtype):
    drawn = [draw(3, shape=(17, 31), seed=seed) for seed in (3, 4)]
    outputs = {
        "heatmaps": np.stack([maps.heatmaps for maps in drawn]).astype(dtype),
        "pafs": np.stack([maps.fields for maps in drawn]).astype(dtype),
    }
    results = same_on_the_device(session, PafHead(max_people=2), outputs)
    assert [len(result) for result in results] == [2, 2]
    assert results[0].overflow > 0


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_fields_of_another_size_are_refused(session):
    maps = session.zeros((1, 17, 8, 8), "float32")
    fields = session.zeros((1, 38, 8, 9), "float32")
    with pytest.raises(ShapeError, match="as large as heatmaps"):
        Decoder(session, PafHead(), {"heatmaps": maps, "pafs": fields}, batch=1)
