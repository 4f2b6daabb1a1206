"""The CUDA twin against the CPU twin, which test_cpu.py holds to loops."""

import itertools

import numpy as np
import pytest

from edgecv.ops.dense_boxes import DenseLayout, dense_boxes
from edgecv.ops.dense_boxes.cuda import DenseBoxesPlan
from tests.cuda.capture import run_eagerly
from tests.ops.dense_boxes.oracle import literal
from tests.ops.on_device import chosen_equals, holds

LAYOUTS = [DenseLayout(*flags) for flags in itertools.product((False, True), repeat=5)]


def name(layout):
    return "-".join(key for key, on in layout._asdict().items() if on) or "plain"


def tables(rng, layout, shape, dtype):
    """(B, …) predictions with ties, NaN and infinities, as `layout` lies in memory."""
    batch, points, classes = shape
    rows = rng.uniform(0, 64, (batch, points, layout.first + classes)).astype(np.float32)
    rows[:, :, 4:] = rng.integers(0, 33, rows[:, :, 4:].shape) / 32
    if layout.logits and layout.objectness:  # no ties: which are chosen would be chance
        rows[:, :, 4:] = rng.uniform(0, 1, rows[:, :, 4:].shape)
    if layout.logits:
        rows[:, :, 4:] = rows[:, :, 4:] * 8 - 4
    for bad in (np.nan, -np.nan, -np.inf):
        rows[rng.integers(0, batch, 3), rng.integers(0, points, 3), 4:] = bad
    rows = rows if layout.channels_last else rows.transpose(0, 2, 1)
    return np.ascontiguousarray(rows, dtype)


def equals_cpu(session, array, layout, score, k):
    device = session.upload(array)
    plan = DenseBoxesPlan(session, device, layout, score, k)
    run_eagerly(session, plan.enqueue)
    for i, table in enumerate(array.astype(np.float32)):
        ranked_raw = not (layout.logits and layout.objectness)
        wanted = dense_boxes(table, layout, score, k)
        chosen_equals(session, plan, i, wanted, same_order=ranked_raw)
    plan.close()
    device.free()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("layout", LAYOUTS, ids=name)
def test_every_layout(session, rng, layout):
    equals_cpu(session, tables(rng, layout, (2, 37, 3), np.float32), layout, 0.3, 30)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    "layout",
    [
        DenseLayout(),
        DenseLayout(multi_label=False, logits=True),
        DenseLayout(channels_last=True, objectness=True),
    ],
    ids=name,
)
def test_orders_and_half(session, rng, layout, dtype):
    equals_cpu(session, tables(rng, layout, (2, 29, 5), dtype), layout, 0.4, 50)


@pytest.mark.parametrize("session", ["shuffled"], indirect=True)
@pytest.mark.parametrize("score", [0.0, 0.97, 1.0])
def test_all_few_and_none_survive(session, rng, score):
    layout = DenseLayout(logits=True)
    equals_cpu(session, tables(rng, layout, (1, 40, 2), np.float32), layout, score, 200)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_more_scores_than_one_block_ranks(session, rng):
    equals_cpu(session, tables(rng, DenseLayout(), (1, 600, 9), np.float32), DenseLayout(), 0.5, 99)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("multi_label", [True, False])
def test_a_point_without_an_object_has_no_scores(session, multi_label):
    """Class values above 1 (a broken network) do not lift it over the score."""
    layout = DenseLayout(True, objectness=True, multi_label=multi_label)
    rows = np.float32([[[8, 8, 4, 4, 0.3, 9, 1], [8, 8, 4, 4, 0.6, 0.5, 1]]])
    equals_cpu(session, rows, layout, 0.5, 5)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("classes", [1, 7, 8, 9, 17])
def test_as_many_classes_as_are_read_at_once_and_one_more(session, rng, classes):
    layout = DenseLayout(multi_label=False)
    equals_cpu(session, tables(rng, layout, (1, 12, classes), np.float32), layout, 0.1, 12)


@pytest.mark.parametrize("session", ["reverse"], indirect=True)
@pytest.mark.parametrize("layout", LAYOUTS[::5], ids=name)
def test_equals_the_contract_read_literally(session, rng, layout):
    rows = rng.uniform(0, 1, (1, 31, layout.first + 3)).astype(np.float32)
    lying = rows if layout.channels_last else rows.transpose(0, 2, 1)
    device = session.upload(np.ascontiguousarray(lying))
    plan = DenseBoxesPlan(session, device, layout, 0.4, 200)
    run_eagerly(session, plan.enqueue)
    holds(session, plan, 0, literal(rows[0], layout, 0.4))
    plan.close()
    device.free()
