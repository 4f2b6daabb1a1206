"""People from connections, each rule by hand; the whole is held to an oracle in test_cpu.py."""

import numpy as np
import pytest

from edgecv.ops.paf import PEAKS, WORKING
from edgecv.ops.paf.assembly import assemble, select


def assembled(limbs, connections, *, heights=None, closing=0):
    """[(members, sum, joints)] of everyone; `connections`: limb -> [(a, b, score)]."""
    parts = 1 + max(max(limb) for limb in limbs)
    pairs = np.zeros((len(limbs), PEAKS, 2), np.int32)
    scores, counts = np.zeros((len(limbs), PEAKS), np.float32), np.zeros(len(limbs), np.int32)
    for i, rows in connections.items():
        counts[i] = len(rows)
        for n, (a, b, score) in enumerate(rows):
            pairs[i, n], scores[i, n] = (a, b), score
    peaks = np.zeros((parts, PEAKS), np.float32)
    peaks[:] = 1 if heights is None else np.float32(heights)[:, None]
    members, sums, sizes, dropped = assemble(
        peaks, pairs, scores, counts, np.array(limbs, np.int32), closing
    )
    there = np.flatnonzero(sizes)
    return [(members[i].tolist(), float(sums[i]), int(sizes[i])) for i in there], dropped


CHAIN = [(0, 1), (1, 2)]


def test_a_connection_begins_a_person():
    people, dropped = assembled([(0, 1)], {0: [(3, 5, 0.5)]}, heights=[0.25, 2.0])
    assert (people, dropped) == ([([3, 5], 2.75, 2)], 0)


def test_a_joint_that_is_owned_is_joined_from_either_end():
    first = {0: [(0, 4, 0.5)], 1: [(4, 7, 0.25)]}
    assert assembled(CHAIN, first)[0] == [([0, 4, 7], 3.75, 3)]
    other = {0: [(4, 7, 0.25)], 1: [(0, 4, 0.5)]}
    assert assembled([(1, 2), (0, 1)], other)[0] == [([0, 4, 7], 3.75, 3)]


def test_two_people_stay_two():
    people, _ = assembled(CHAIN, {0: [(0, 0, 1), (1, 1, 1)], 1: [(1, 1, 1), (0, 0, 1)]})
    assert sorted(people) == [([0, 0, 0], 5, 3), ([1, 1, 1], 5, 3)]


def test_parts_of_one_person_are_merged():
    limbs = [(0, 1), (2, 3), (1, 2)]
    people, _ = assembled(limbs, {0: [(0, 0, 0.5)], 1: [(5, 5, 0.25)], 2: [(0, 5, 0.125)]})
    assert people == [([0, 0, 5, 5], 4.875, 4)]


def test_people_who_share_a_part_are_not_merged():
    limbs = [(0, 1), (0, 2), (1, 2)]
    people, _ = assembled(limbs, {0: [(0, 0, 1)], 1: [(1, 1, 1)], 2: [(0, 1, 1)]})
    assert [members for members, _, _ in people] == [[0, 0, -1], [1, -1, 1]]


@pytest.mark.parametrize(("closing", "found"), [(0, 1), (1, 0)])
def test_a_closing_limb_begins_nobody(closing, found):
    people, dropped = assembled([(0, 1)], {0: [(0, 0, 1)]}, closing=closing)
    assert (len(people), dropped) == (found, 0)


def test_too_many_people_are_counted():
    count = np.array([PEAKS] * 4, np.int32)
    pairs = np.repeat(np.arange(PEAKS, dtype=np.int32), 2).reshape(1, PEAKS, 2).repeat(4, 0)
    limbs = np.array([(0, 1), (2, 3), (4, 5), (6, 7)], np.int32)
    scores = np.ones((4, PEAKS), np.float32)
    heights = np.ones((8, PEAKS), np.float32)
    _, _, sizes, dropped = assemble(heights, pairs, scores, count, limbs, 0)
    assert (int((sizes > 0).sum()), dropped) == (WORKING, 4 * PEAKS - WORKING)


@pytest.mark.parametrize(
    ("rule", "scores", "cut"),
    [
        pytest.param((1, 0.0, 9), [1.0, 0.5, 0.25], 0, id="all-best-first"),
        pytest.param((1, 0.0, 2), [1.0, 0.5], 1, id="two"),
        pytest.param((3, 0.0, 9), [0.5], 0, id="three-joints"),
        pytest.param((1, 0.75, 9), [1.0, 0.25], 0, id="mean-with-limbs"),
    ],
)
def test_who_is_kept(rule, scores, cut):
    members = np.int32([[0, 0, -1], [1, 1, 1], [-1, 2, 2], [-1, -1, -1]])
    sums, sizes = np.float32([2, 2, 2.5, 9]), np.int32([2, 3, 2, 0])
    peaks = np.float32([[0.25, 0.5, 0], [0.25, 0.5, 1], [0, 0.5, 1]])
    places = np.arange(18, dtype=np.float32).reshape(3, 3, 2)
    joints, means, dropped = select(
        places, peaks, (members, sums, sizes), rule[0], np.float32(rule[1]), rule[2]
    )
    assert (means.tolist(), dropped) == (scores, cut)
    first = {1.0: 2, 0.5: 1, 0.25: 0}[scores[0]]
    wanted = [
        [*places[k, peak], peaks[k, peak]] if peak >= 0 else [0, 0, 0]
        for k, peak in enumerate(members[first])
    ]
    np.testing.assert_array_equal(joints[0], wanted)
