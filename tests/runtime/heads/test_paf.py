"""People of drawn maps, back in the picture."""

import numpy as np
import pytest

from benchmarks.pose_maps import draw
from edgecv.head import PafHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.heads.paf import grouping_of
from edgecv.runtime.preprocess import Geometry


@pytest.mark.parametrize("people", [1, 3])
def test_finds_the_people_that_were_drawn(people):
    maps = draw(people, noise=0)
    geometry = Geometry((736, 1312), Fit(0, 0, 368, 656))  # the input is half the picture
    outputs = {"heatmaps": maps.heatmaps[None], "pafs": maps.fields[None]}
    (told,) = decode(PafHead(), outputs, [geometry])
    assert len(told) == people
    for truth in maps.people:
        inside = ((truth > -0.5) & (truth < np.array(maps.heatmaps.shape[:0:-1]) - 0.5)).all(1)
        gaps = np.abs(told.joints[:, :, :2] - 16 * (truth + 0.5)).max(2)
        mine = int((gaps * inside).max(1).argmin())
        assert told.found[mine, inside].all()
        assert gaps[mine, inside].max() < 16 * 0.6  # of a cell: at the border there is no step


def test_a_head_says_how_to_group():
    head = PafHead(peak=0.2, min_joints=5, max_people=7)
    grouping = grouping_of(head)
    assert (grouping.peak, grouping.min_joints, grouping.max_people) == (0.2, 5, 7)
    assert grouping.limbs == head.anatomy.limbs
