"""The CUDA twin: the CPU twin's bytes."""

import numpy as np
import pytest

from edgecv.ops.colorize import OP, colorize
from edgecv.ops.colorize.cuda import ColorizePlan
from tests.cuda.capture import assert_capturable

SIZES = [(5, 7), (0, 0), (8, 6)]
CAPACITY = 60


@pytest.mark.parametrize("with_picture", [True, False])
@pytest.mark.parametrize("pitch", [0, 24])
def test_equals_the_cpu_twin(session, rng, pitch, with_picture):
    paint = rng.integers(0, 256, (256, 4), dtype=np.int32)
    paint[:40, 3] = 256
    labels = rng.integers(0, 256, (len(SIZES), CAPACITY), dtype=np.uint8)
    rows = rng.integers(0, 256, (len(SIZES), 8 * 24), dtype=np.uint8)
    blocks = np.zeros((len(SIZES), 8), np.int32)
    blocks[:, :2] = SIZES
    plan = ColorizePlan(session, batch=len(SIZES), capacity=CAPACITY, paint=paint)
    given = [session.upload(array) for array in (labels, blocks, rows)]
    if not with_picture:
        given[2] = None
    (found,) = assert_capturable(session, lambda s: plan.enqueue(s, *given, pitch), [plan.out])
    assert (OP.atol, OP.share) == (0, 0)
    for i, (height, width) in enumerate(SIZES):
        count, step = height * width, pitch or 3 * width
        picture = np.lib.stride_tricks.as_strided(rows[i], (height, width, 3), (step, 3, 1))
        picture = np.ascontiguousarray(picture) if with_picture else None
        got = found[i, : 3 * count].reshape(height, width, 3)
        if count:
            wanted = colorize(labels[i, :count].reshape(height, width), paint, picture)
            assert np.array_equal(got, wanted)
        assert (found[i, 3 * count :] == 0x5A).all()
    plan.close()
