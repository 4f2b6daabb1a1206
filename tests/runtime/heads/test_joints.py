"""Cells become picture pixels, by each rule that networks are trained with."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import HeatmapHead, IntegralHead, PafHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.heads.joints import check_joints, input_pixels, one_person, people_of
from edgecv.runtime.preprocess import Geometry

PLAIN = Geometry((64, 48), Fit(0, 0, 64, 48))
OWN = {"skeleton": "own", "names": ("a", "b")}


@pytest.mark.parametrize(
    ("align", "wanted"),
    [
        pytest.param("centre", [2, 62], id="centre"),
        pytest.param("classic", [0.5, 60.5], id="classic"),
        pytest.param("udp", [0.5, 63.5], id="udp"),
    ],
)
def test_first_and_last_cell(align, wanted):
    head = HeatmapHead(align=align, stride=4)
    found = input_pixels(head, np.array([[0.0, 0], [15, 11]]), (12, 16))
    assert found[:, 0].tolist() == wanted
    assert found[1, 1] == wanted[1] - 16  # 12 rows of 4 pixels


def test_joints_go_back_through_the_letterbox():
    geometry = Geometry((128, 96), Fit(8, 0, 32, 24))  # a quarter of the size, 8 pixels lower
    head = HeatmapHead(align="centre", stride=4, **OWN)
    joints = np.float32([[[2, 3, 0.9], [5, 5, 0]]])
    told = people_of(head, joints, np.float32([0.9]), geometry, (12, 6), 3)
    # cell (2, 3) is input pixel (10, 14), picture pixel (40, 24)
    np.testing.assert_allclose(told.joints, [[[40, 24, 0.9], [0, 0, 0]]])
    assert (told.names, told.overflow, told.image_size) == (("a", "b"), 3, (128, 96))


def test_weak_joints_do_not_count():
    joints = np.float32([[1, 1, 0.8], [2, 2, 0.1]])
    told = one_person(HeatmapHead(**OWN), joints, 0.2, PLAIN, (16, 12))
    assert told.found.tolist() == [[True, False]]
    assert told.scores.tolist() == pytest.approx([0.8])
    nobody = one_person(HeatmapHead(**OWN), joints, 0.9, PLAIN, (16, 12))
    assert nobody.scores.tolist() == [0]


@pytest.mark.parametrize("head", [HeatmapHead(), IntegralHead(), PafHead()], ids=lambda h: h.kind)
def test_another_number_of_maps_is_refused(head):
    outputs = {role: np.zeros((1, 5, 16, 12), np.float32) for role in head.roles}
    with pytest.raises(ShapeError, match=r"one map a joint|fewer heatmaps than joints"):
        decode(head, outputs, [PLAIN])
    check_joints(HeatmapHead(skeleton="own"), 5)
