"""Anchors of a pyramid by hand."""

from edgecv.ops.anchors.grid import GridLevel, anchor_counts, anchor_grid

LEVELS = (
    GridLevel(8, ((4, 6), (10, 2)), 0.5),
    GridLevel(16, ((20, 20),), 0.0, (1, 2)),
)


def test_by_hand():
    assert anchor_grid(LEVELS, (9, 16)).tolist() == [
        [4, 4, 4, 6],
        [4, 4, 10, 2],
        [12, 4, 4, 6],
        [12, 4, 10, 2],
        [4, 12, 4, 6],
        [4, 12, 10, 2],
        [12, 12, 4, 6],
        [12, 12, 10, 2],
        [0, 0, 20, 20],
        [16, 0, 20, 20],
    ]


def test_a_level_covers_the_input_unless_told():
    assert LEVELS[0].cells((9, 16)) == (2, 2)
    assert LEVELS[1].cells((9, 16)) == (1, 2)
    assert anchor_counts(LEVELS, (9, 16)) == (8, 2)
