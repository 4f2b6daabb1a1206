"""What the device decoders of poses share."""

import pytest

from edgecv.errors import ShapeError
from edgecv.head import HeatmapHead
from edgecv.runtime.cuda_heads.joints import maps_of


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_maps_have_four_sides_and_a_name(session):
    flat, maps = session.zeros((1, 17, 8), "float32"), session.zeros((1, 17, 8, 8), "float32")
    assert maps_of(HeatmapHead(outputs={"heatmap": "hm"}), {"hm": maps}, "heatmap") is maps
    with pytest.raises(ShapeError, match=r"must be \(N, C, h, w\)"):
        maps_of(HeatmapHead(), {"heatmap": flat}, "heatmap")
