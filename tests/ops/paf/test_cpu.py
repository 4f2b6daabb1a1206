"""People from fields: the contract by hand, against the oracle, and both forms bit for bit."""

import numpy as np
import pytest

from benchmarks.pose_maps import draw
from edgecv.head.pose import COCO18
from edgecv.ops._jit import DISABLE
from edgecv.ops.paf import PEAKS, Grouping, paf
from edgecv.ops.paf.cpu import connect, find_peaks
from tests.ops.paf.oracle import people_of, tangle

pytestmark = pytest.mark.usefixtures("form")

COCO = Grouping(COCO18.limbs, COCO18.fields, COCO18.closing)


NAN = float("nan")


def arrow(shape, points, limbs):
    """Maps of dots at whole cells, and fields that point from dot to dot along rows.

    `points`: part -> [(x, y)]; `limbs`: [(part, i, part, j)], a field each.
    """
    heatmaps = np.zeros((len(points), *shape), np.float32)
    for k, places in enumerate(points):
        for x, y in places:
            heatmaps[k, y, x] = 0.9
    fields = np.zeros((2 * len(limbs), *shape), np.float32)
    for f, links in enumerate(limbs):
        for a, i, b, j in links:
            (x0, y0), (x1, y1) = points[a][i], points[b][j]
            assert y0 == y1
            fields[2 * f, y0, min(x0, x1) : max(x0, x1) + 1] = np.sign(x1 - x0)
    return heatmaps, fields


def chain(n, **changes):
    values = {
        "limbs": tuple((k, k + 1) for k in range(n - 1)),
        "fields": tuple((2 * k, 2 * k + 1) for k in range(n - 1)),
        "min_joints": 2,
    }
    return Grouping(**values | changes)


def test_two_people_by_hand():
    points = [[(2, 3), (2, 8)], [(6, 3), (6, 8)], [(12, 3)]]
    maps = arrow((14, 16), points, [[(0, 0, 1, 0), (0, 1, 1, 1)], [(1, 0, 2, 0)]])
    maps[0][:2, 8] *= np.float32(8 / 9)
    people = paf(*maps, 3, chain(3))
    assert people.joints[:, :, :2].tolist() == [[[2, 3], [6, 3], [12, 3]], [[2, 8], [6, 8], [0, 0]]]
    assert people.joints[1, 2, 2] == 0
    np.testing.assert_allclose(people.scores, [0.9, 0.8], rtol=1e-6)
    assert people.dropped == 0
    assert len(paf(*maps, 3, chain(3, min_joints=3)).joints) == 1
    assert len(paf(*maps, 3, chain(3, max_people=1)).joints) == 1
    assert paf(*maps, 3, chain(3, max_people=1)).dropped == 1
    # two joints of 0.8 and a limb of 1: 1.3 a joint; three joints of 0.9 and two limbs: 1.5667
    assert [len(paf(*maps, 3, chain(3, min_score=s)).joints) for s in (1.29, 1.4, 1.6)] == [
        2,
        1,
        0,
    ]


def test_a_limb_points_from_its_first_part_to_its_second():
    maps = arrow((5, 12), [[(2, 2)], [(8, 2)]], [[(0, 0, 1, 0)]])
    assert len(paf(*maps, 2, chain(2)).joints) == 1
    assert len(paf(maps[0], -maps[1], 2, chain(2)).joints) == 0
    assert len(paf(maps[0], maps[1][::-1].copy(), 2, chain(2)).joints) == 0, "x and y swapped"


@pytest.mark.parametrize(("hits", "found"), [(8, 0), (9, 1), (10, 1)])
def test_more_than_the_share_of_the_samples_must_count(hits, found):
    heatmaps, fields = arrow((5, 16), [[(2, 2)], [(11, 2)]], [[(0, 0, 1, 0)]])
    fields[0, 2, 2 : 12 - hits] = 0  # ten cells apart by one: a sample a cell
    assert len(paf(heatmaps, fields, 2, chain(2, affinity=0.4)).joints) == found


def test_limbs_longer_than_half_the_map_are_penalised():
    wide = np.zeros((2, 8, 40), np.float32)
    wide[0, 4, 5] = wide[1, 4, 37] = 0.9
    fields = np.zeros((2, 8, 40), np.float32)
    fields[0, 4] = 1
    # 32 cells in a map of 8: 8 / 64 - 1 = -0.875, which leaves 0.125 of 1
    (person,) = connect(fields, find_peaks(wide, 0.1), chain(2)).scores
    assert person[0] == 0.125
    fields *= np.float32(0.8)
    assert connect(fields, find_peaks(wide, 0.1), chain(2)).counts.tolist() == [0]


def test_each_peak_is_used_once_by_the_best_limb():
    heatmaps, fields = arrow((5, 30), [[(2, 2), (10, 2)], [(6, 2)]], [[(0, 0, 1, 0)]])
    fields[0, 2, 2:7] = 0.5
    fields[0, 2, 7:11] = -1
    people = paf(heatmaps, fields, 2, chain(2))
    assert people.joints[:, :, 0].tolist() == [[10, 6]]


def test_partial_people_without_a_shared_part_become_one():
    grouping = Grouping(((0, 1), (2, 3), (1, 2)), ((0, 1), (2, 3), (4, 5)), min_joints=2)
    points = [[(2, 2)], [(6, 2)], [(10, 2)], [(14, 2)]]
    limbs = [[(0, 0, 1, 0)], [(2, 0, 3, 0)], [(1, 0, 2, 0)]]
    people = paf(*arrow((9, 18), points, limbs), 4, grouping)
    assert people.joints[:, :, 0].tolist() == [[2, 6, 10, 14]]
    closed = paf(*arrow((9, 18), points, limbs), 4, grouping._replace(closing=3))
    assert len(closed.joints) == 0, "closing limbs begin nobody"


def test_people_that_share_a_part_stay_two():
    points = [[(2, 2), (20, 2)], [(6, 2), (16, 2)], [(10, 2)]]
    limbs = [[(0, 0, 1, 0), (0, 1, 1, 1)], [(1, 0, 2, 0)], [(2, 0, 1, 1)]]
    grouping = Grouping(((0, 1), (1, 2), (2, 1)), ((0, 1), (2, 3), (4, 5)), min_joints=2)
    people = paf(*arrow((9, 24), points, limbs), 3, grouping)
    assert sorted(people.joints[:, :, 0].tolist()) == [[2, 6, 10], [20, 16, 0]]


def test_a_part_that_is_taken_is_kept():
    grouping = Grouping(((0, 1), (0, 1)), ((0, 1), (2, 3)), min_joints=2)
    points = [[(10, 2)], [(6, 2), (14, 2)]]
    limbs = [[(0, 0, 1, 0)], [(0, 0, 1, 1)]]
    people = paf(*arrow((9, 24), points, limbs), 2, grouping)
    assert people.joints[:, :, 0].tolist() == [[10, 6]]


def test_peaks_are_refined_to_where_the_gaussian_is(rng):
    y, x = np.indices((12, 12))
    for u, v in rng.uniform(3, 8, (20, 2)):
        blob = 0.7 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 0.875**2))
        found = find_peaks(blob[None].astype(np.float32), 0.1)
        assert found.counts.tolist() == [1]
        np.testing.assert_allclose(found.places[0, 0], [u, v], atol=1e-4)
        np.testing.assert_allclose(found.scores[0, 0], 0.7, atol=1e-4)


def test_borders_plateaus_and_nan():
    maps = np.zeros((1, 6, 9), np.float32)
    maps[0, 0, 0] = 0.9
    maps[0, 0, 1] = 0.5
    maps[0, 2:4, 5:7] = 0.5
    maps[0, 5, 2], maps[0, 5, 3] = 0.4, NAN
    found = find_peaks(maps, 0.1)
    assert found.counts.tolist() == [3]
    assert found.places[0, :3, 1].tolist() == [0, 2.5, 5]
    assert found.places[0, 0].tolist() == [0, 0]
    assert found.places[0, 2, 0] == 2


def test_too_many_peaks_are_counted_and_the_best_are_kept():
    maps = np.zeros((1, 25, 25), np.float32)
    maps[0, 1::2, 1::2] = np.linspace(0.2, 0.9, 144).reshape(12, 12)
    found = find_peaks(maps, 0.1)
    assert (found.counts.tolist(), found.dropped) == ([PEAKS], 144 - PEAKS)
    assert (np.diff(found.scores[0]) < 0).all()
    assert found.scores[0, 0] == np.float32(0.9)


@pytest.mark.parametrize("people", [1, 3, 10])
def test_equals_the_oracle(people):
    maps = draw(people, shape=(30, 44), seed=5, noise=0.03)
    grouping = COCO._replace(max_people=8)
    found = paf(maps.heatmaps, maps.fields, 18, grouping)
    wanted, dropped = people_of(maps.heatmaps, maps.fields, 18, grouping)
    assert len(found.joints) == len(wanted) > 0
    assert dropped == 0
    for joints, score, (parts, mean) in zip(found.joints, found.scores, wanted, strict=True):
        assert np.flatnonzero(joints[:, 2]).tolist() == sorted(parts)
        for part, peak in parts.items():
            np.testing.assert_allclose(joints[part], peak, atol=1e-4)
        np.testing.assert_allclose(score, mean, atol=1e-5)


def test_a_tangle_equals_the_oracle(rng):
    for _ in range(6):
        (heatmaps,), (fields,), grouping = tangle(rng, 1)
        found = paf(heatmaps, fields, 5, grouping)
        wanted, _ = people_of(heatmaps, fields, 5, grouping)
        assert len(found.joints) == len(wanted) > 3
        for joints, (parts, _) in zip(found.joints, wanted, strict=True):
            assert np.flatnonzero(joints[:, 2]).tolist() == sorted(parts)
            for part, peak in parts.items():
                np.testing.assert_allclose(joints[part], peak, atol=1e-4)


@pytest.mark.parametrize("people", [1, 10, 30])
def test_forms_give_the_same_bits(people, form, monkeypatch):
    if form == "numpy":
        pytest.skip("compared once")
    maps = draw(people, seed=people)
    compiled = paf(maps.heatmaps, maps.fields, 18, COCO)
    monkeypatch.setenv(DISABLE, "1")
    plain = paf(maps.heatmaps, maps.fields, 18, COCO)
    np.testing.assert_array_equal(compiled.joints, plain.joints)
    np.testing.assert_array_equal(compiled.scores, plain.scores)
    assert compiled.dropped == plain.dropped


def test_noise_alone_is_nobody(rng):
    heatmaps = rng.normal(0, 0.3, (18, 20, 20)).astype(np.float32)
    fields = rng.normal(0, 0.02, (38, 20, 20)).astype(np.float32)
    assert len(paf(heatmaps, fields, 18, COCO).joints) == 0


def test_nan_everywhere_is_nobody():
    heatmaps, fields = np.full((18, 8, 8), NAN, "f4"), np.full((38, 8, 8), NAN, "f4")
    assert len(paf(heatmaps, fields, 18, COCO).joints) == 0
    heatmaps[:] = draw(1, shape=(8, 8)).heatmaps[:18]
    assert len(paf(heatmaps, fields, 18, COCO).joints) == 0
