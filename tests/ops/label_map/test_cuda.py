"""The CUDA twin: the CPU twin's labels, bit for bit."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.label_map import MAX_LABELS, OP, Window, label_map, sampling
from edgecv.ops.label_map.cuda import LabelMapPlan
from tests.cuda.capture import assert_capturable


def on_device(session, batch, reads, most):
    """Labels of a batch of scores; a read of None is a slot without a picture."""
    plan = LabelMapPlan(
        session, batch=len(batch), scores=batch.shape[1:], dtype=str(batch.dtype), max_size=most
    )
    blocks = np.zeros((len(batch), 8), np.int32)
    for i, read in enumerate(reads):
        if read:
            blocks[i] = plan.parameters(read)
    given = session.upload(batch), session.upload(blocks)
    (found,) = assert_capturable(session, lambda s: plan.enqueue(s, *given), [plan.labels])
    plan.close()
    return [
        row[: read.y.length * read.x.length].reshape(read.size) if read else row
        for row, read in zip(found, reads, strict=True)
    ]


def special(rng, shape, kind, dtype):
    logits = rng.normal(size=shape).astype(np.float32)
    if kind == "smooth":
        logits = np.cumsum(logits, axis=3)
    if kind == "ties":
        logits = np.round(logits)
    if kind == "special":
        for value in (np.nan, np.inf, -np.inf, 6e4):
            logits[rng.random(shape) < 0.05] = value
    return logits.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("kind", ["noise", "smooth", "ties", "special"])
def test_equals_the_cpu_twin(session, rng, kind, dtype):
    batch = special(rng, (4, 11, 9, 13), kind, dtype)
    reads = [
        sampling((9, 13), (37, 70)),
        sampling((9, 13), (5, 6), align_corners=True),
        None,
        sampling((9, 13), (20, 67), Window(-3.0, 4.0, 30.0, 44.0, (36, 52))),
    ]
    found = on_device(session, batch, reads, (37, 70))
    assert (OP.atol, OP.share) == (0, 0)
    for logits, labels, read in zip(batch, found, reads, strict=True):
        if read is None:
            assert (labels == 0x5A).all()  # what the test left there
        else:
            assert np.array_equal(labels, label_map(logits, read))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_a_class_that_wins_in_one_column_is_seen(session):
    """Wherever its column lies under a tile: the bounds have to look at all of the tile."""
    batch = np.zeros((13, 2, 3, 13), np.float32)
    batch[:, 0] = 1
    for column, scores in enumerate(batch):
        scores[1, :, column] = 2
    read = sampling((3, 13), (20, 130))
    for logits, labels in zip(
        batch, on_device(session, batch, [read] * 13, (20, 130)), strict=True
    ):
        assert labels.any()
        assert np.array_equal(labels, label_map(logits, read))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_a_nan_leaves_its_pixels_to_others(session):
    batch = np.zeros((1, 2, 4, 4), np.float32)
    batch[:, 0] = 9
    batch[0, 0, 1, 2] = np.nan
    read = sampling((4, 4), (16, 16))
    (labels,) = on_device(session, batch, [read], (16, 16))
    assert labels[6, 10] == 1
    assert labels[12, 3] == 0
    assert np.array_equal(labels, label_map(batch[0], read))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("shape", [(1, 256, 3, 4), (1, 33, 1, 1), (1, 1, 4, 4)], ids=str)
def test_class_counts(session, rng, shape):
    batch = special(rng, shape, "noise", np.float32)
    read = sampling(shape[2:], (19, 30))
    (labels,) = on_device(session, batch, [read], (19, 30))
    assert np.array_equal(labels, label_map(batch[0], read))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_is_interpolate_then_argmax(session, rng):
    torch = pytest.importorskip("torch")
    batch = special(rng, (1, 6, 9, 12), "smooth", np.float32)
    (labels,) = on_device(session, batch, [sampling((9, 12), (72, 96))], (72, 96))
    wide = torch.nn.functional.interpolate(torch.from_numpy(batch), (72, 96), mode="bilinear")[0]
    reached = wide.numpy().max(0) - np.take_along_axis(wide.numpy(), labels[None].astype(int), 0)[0]
    assert reached.max() <= 1e-5
    assert (labels != wide.argmax(0).numpy()).mean() <= 0.002


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses_what_does_not_fit(session):
    plan = LabelMapPlan(session, batch=1, scores=(2, 3, 3), max_size=(8, 9))
    with pytest.raises(ShapeError, match="labels: 9 x 9"):
        plan.parameters(sampling((3, 3), (9, 9)))
    with pytest.raises(ShapeError, match="labels: 8 x 10"):
        plan.parameters(sampling((3, 3), (8, 10)))
    free = LabelMapPlan(session, batch=1, scores=(2, 3, 3))
    assert free.parameters(sampling((3, 3), (2, MAX_LABELS // 2)))[:2].tolist() == [2, 1 << 20]
    with pytest.raises(ShapeError, match="capacity: 2097152 labels"):
        free.parameters(sampling((3, 3), (3, MAX_LABELS // 2)))
    free.close()
    with pytest.raises(ShapeError, match="at most 256"):
        LabelMapPlan(session, batch=1, scores=(257, 3, 3))
    plan.close()
    assert session.allocated_bytes == 0
