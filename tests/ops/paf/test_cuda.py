"""The CUDA twin of paf against the CPU twin: whole people, crowds, overflow, NaN, both types."""

import numpy as np
import pytest

from benchmarks.pose_maps import draw
from edgecv.errors import ShapeError
from edgecv.head.pose import COCO18
from edgecv.ops.paf import OP, PEAKS, WORKING, Grouping, paf
from edgecv.ops.paf.cpu import connect, find_peaks
from edgecv.ops.paf.cuda import PafPlan
from tests.cuda.capture import assert_capturable
from tests.ops.paf.oracle import tangle

COCO = Grouping(COCO18.limbs, COCO18.fields, COCO18.closing)
ONE_ORDER = pytest.mark.parametrize(
    "session", ["shuffled", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)


def check(session, heatmaps, fields, joints, grouping):
    """Run the plan on a batch and compare every image with the CPU twin's people."""
    plan = PafPlan(
        session,
        batch=len(heatmaps),
        maps=heatmaps.shape[1:],
        channels=fields.shape[1],
        joints=joints,
        grouping=grouping,
    )
    maps, vectors = session.upload(heatmaps), session.upload(fields)
    outputs = [plan.joints, plan.scores, plan.count, plan.dropped]
    found = assert_capturable(session, lambda s: plan.enqueue(s, maps, vectors), outputs)
    people = []
    for image, field, rows, scores, count, dropped in zip(heatmaps, fields, *found, strict=True):
        wanted = paf(np.float32(image), np.float32(field), joints, grouping)
        people.append(wanted)
        assert (count, dropped) == (len(wanted.joints), wanted.dropped)
        np.testing.assert_allclose(rows[:count], wanted.joints, atol=OP.atol)
        np.testing.assert_allclose(scores[:count], wanted.scores, atol=OP.atol)
        if count:
            assert (rows[:count] != wanted.joints).mean() <= OP.share
        assert not rows[count:].any()
        assert not scores[count:].any()
    plan.close()
    maps.free()
    vectors.free()
    return people


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_equals_the_cpu_twin(session, dtype):
    images = [draw(3, shape=(17, 31), seed=seed, noise=0.03) for seed in (1, 2)]
    heatmaps = np.stack([image.heatmaps for image in images]).astype(dtype)
    fields = np.stack([image.fields for image in images]).astype(dtype)
    people = check(session, heatmaps, fields, 18, COCO)
    assert all(len(found.joints) >= 2 for found in people)


def test_peaks_and_connections_equal_the_cpu_twin(session, rng):
    """Plateaus, rivals for one peak, fields that change from cell to cell."""
    heatmaps = (rng.integers(0, 6, (1, 3, 13, 15)) / 6).astype(np.float32)
    heatmaps[0, 0, 2, 2] = np.nan
    fields = rng.uniform(-0.1, 1, (1, 4, 13, 15)).astype(np.float32)
    grouping = Grouping(((0, 1), (1, 2)), ((0, 1), (3, 2)), share=0.6, peak=0.5)
    plan = PafPlan(session, batch=1, maps=(3, 13, 15), channels=4, joints=3, grouping=grouping)
    maps, vectors = session.upload(heatmaps), session.upload(fields)
    plan.enqueue(session.stream(), maps, vectors)
    peaks = find_peaks(heatmaps[0], grouping.peak)
    limbs = connect(fields[0], peaks, grouping)
    places, heights, counts = (session.download(a)[0] for a in plan.peaks)
    pairs, values, found = (session.download(a)[0] for a in plan.connections)
    assert counts.tolist() == peaks.counts.tolist()
    assert found.tolist() == limbs.counts.tolist()
    assert min(counts) > 5
    assert min(found) > 2
    for k, count in enumerate(counts):
        np.testing.assert_allclose(places[k, :count], peaks.places[k, :count], atol=OP.atol)
        np.testing.assert_allclose(heights[k, :count], peaks.scores[k, :count], atol=OP.atol)
    for i, count in enumerate(found):
        assert pairs[i, :count].tolist() == limbs.pairs[i, :count].tolist()
        np.testing.assert_allclose(values[i, :count], limbs.scores[i, :count], atol=1e-5)
    plan.close()
    maps.free()
    vectors.free()


@ONE_ORDER
def test_ten_people_cut_at_four(session):
    image = draw(10, shape=(30, 44), seed=3)
    (people,) = check(
        session, image.heatmaps[None], image.fields[None], 18, COCO._replace(max_people=4)
    )
    assert len(people.joints) == 4
    assert people.dropped > 0


@ONE_ORDER
def test_more_peaks_than_there_is_room_for(session, rng):
    """Every other cell is a peak, many as high as others; two buffers' worth of them."""
    heatmaps = np.zeros((1, 2, 40, 41), np.float32)
    heatmaps[0, :, ::2, ::2] = rng.integers(1, 9, (2, 20, 21)) / 10
    fields = rng.uniform(0, 1, (1, 2, 40, 41)).astype(np.float32)
    grouping = Grouping(((0, 1),), ((0, 1),), min_joints=2, max_people=WORKING)
    (people,) = check(session, heatmaps, fields, 2, grouping)
    assert people.dropped >= 2 * (20 * 21 - 2 * PEAKS)
    assert len(people.joints) > PEAKS // 2


@ONE_ORDER
def test_more_people_than_there_is_room_for(session):
    """Three limbs that share no part, 64 connections each: 192 people, room for 128."""
    heatmaps = np.zeros((1, 6, 32, 34), np.float32)
    heatmaps[0, ::2, ::4, 0:32:4] = 0.5
    heatmaps[0, 1::2, ::4, 2:34:4] = 0.5
    fields = np.zeros((1, 2, 32, 34), np.float32)
    fields[0, 0] = 1
    grouping = Grouping(((0, 1), (2, 3), (4, 5)), ((0, 1),) * 3, min_joints=2, max_people=WORKING)
    (people,) = check(session, heatmaps, fields, 6, grouping)
    assert (len(people.joints), people.dropped) == (WORKING, 3 * PEAKS - WORKING)


@ONE_ORDER
def test_partial_people_become_one_and_taken_parts_are_kept(session):
    """A chain joined from both ends, a limb that closes a ring, a second way to a part."""
    heatmaps = np.zeros((1, 4, 9, 22), np.float32)
    for part, x in enumerate((2, 6, 10, 14)):
        heatmaps[0, part, 2, x] = heatmaps[0, part, 6, x] = 0.9
    heatmaps[0, 1, 4, 6] = 0.8
    fields = np.zeros((1, 2, 9, 22), np.float32)
    fields[0, 0] = 1
    limbs = ((0, 1), (2, 3), (1, 2), (0, 3), (1, 3))
    grouping = Grouping(limbs, ((0, 1),) * 5, closing=2, affinity=0.9, min_joints=2)
    (people,) = check(session, heatmaps, fields, 4, grouping)
    assert (people.joints[:2, :, 2] > 0).all()


def test_a_tangle_equals_the_cpu_twin(session, rng):
    heatmaps, fields, grouping = tangle(rng, 5)
    people = check(session, heatmaps, fields, 5, grouping)
    sizes = [(found.joints[:, :, 2] > 0).sum(1) for found in people]
    assert max(map(max, sizes)) == 5
    assert min(map(min, sizes)) == 2


@ONE_ORDER
def test_nobody_and_nothing_but_nan(session):
    heatmaps = np.zeros((2, 18, 9, 7), np.float32)
    heatmaps[1] = np.nan
    fields = np.full((2, 38, 9, 7), np.nan, np.float32)
    people = check(session, heatmaps, fields, 18, COCO)
    assert [len(found.joints) for found in people] == [0, 0]


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_wrong_shapes_are_refused(session):
    sizes = {"maps": (18, 9, 9), "channels": 38, "joints": 18, "grouping": COCO}
    with pytest.raises(ShapeError, match="needs maps and images"):
        PafPlan(session, batch=0, **sizes)
    with pytest.raises(ShapeError, match="fewer field channels"):
        PafPlan(session, batch=1, **sizes | {"channels": 37})
