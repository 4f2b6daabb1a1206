"""Which channels stay, by hand."""

import pytest
import torch

from edgecv.slim.cut import best, fill, widths_near

IMPORTANCE = torch.tensor([5.0, 1.0, 4.0, 2.0, 3.0, 0.0])


def test_the_most_important_stay_in_order():
    assert best(IMPORTANCE, [1, 2, 3, 4], 2) == [2, 4]


def test_each_kind_keeps_its_places():
    have = {"left": [0, 1, 2], "right": [3, 4, 5]}
    assert fill({"left": [1, 2], "right": [0]}, have, IMPORTANCE) == [4, 0, 2]
    assert fill({"left": [0, 1, 2, 3]}, have, IMPORTANCE) == []
    assert fill({"up": [0]}, have, IMPORTANCE) == []


@pytest.mark.parametrize(
    ("width", "share", "step", "tried"),
    [(16, 0.5, 4, [8, 4, 12, 16]), (10, 0.5, 16, [10]), (24, 0.9, 8, [8, 16, 24])],
)
def test_widths_nearest_to_the_share_come_first(width, share, step, tried):
    assert widths_near(width, share, step) == tried
