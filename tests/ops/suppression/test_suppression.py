"""The rule of suppression as heads write it down."""

import pytest

from edgecv.ops.soft_nms import Decay
from edgecv.ops.suppression import Suppression


def test_hard_suppression_decays_nothing():
    assert Suppression().decay(10) is None
    assert (Suppression().iou, Suppression().limit, Suppression().class_agnostic) == (
        0.45,
        300,
        False,
    )


@pytest.mark.parametrize("soft", ["linear", "gaussian"])
def test_soft_suppression_hands_on_its_numbers(soft):
    rule = Suppression(0.3, 7, soft=soft, sigma=0.25, floor=0.01)
    assert rule.decay(5) == Decay(soft, 0.3, 0.25, 0.01, 5)
