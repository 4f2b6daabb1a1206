"""PeaksPlan: the CPU twin's bits, and max pooling as an oracle."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.peaks import peaks
from edgecv.ops.peaks.cuda import PeaksPlan
from tests.cuda.capture import assert_capturable

GPU = pytest.param("gpu", marks=pytest.mark.gpu)


def run(session, maps, k, threshold):
    plan = PeaksPlan(session, batch=len(maps), shape=maps.shape[1:], k=k, threshold=threshold)
    outputs = (plan.index, plan.value, plan.kept, plan.total)
    device = session.upload(maps)
    return assert_capturable(session, lambda stream: plan.enqueue(stream, device), outputs)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    ("shape", "k", "threshold"),
    [
        pytest.param((3, 17, 11), 50, 0.4, id="odd"),
        pytest.param((2, 1, 9), 3, -np.inf, id="one-row"),
        pytest.param((2, 9, 1), 3, 0.2, id="one-column"),
        pytest.param((1, 1, 1), 2, 0.0, id="one-cell"),
        pytest.param((3, 40, 45), 60, 0.2, id="long"),
        pytest.param((1, 70, 66), 2000, -np.inf, id="all-peaks"),
    ],
)
def test_equals_the_cpu_twin(session, rng, shape, k, threshold, dtype):
    maps = (rng.integers(0, 7, (2, *shape)) / 7).astype(dtype)  # plateaus
    maps[rng.random(maps.shape) < 0.1] = np.nan
    maps[rng.random(maps.shape) < 0.1] = -np.inf
    index, value, kept, total = run(session, maps, k, threshold)
    for image, cells in enumerate(maps.astype(np.float32)):
        wanted, dropped = peaks(cells, threshold, k)
        n = len(wanted)
        assert (kept[image], total[image]) == (n, n + dropped)
        assert index[image].tolist() == wanted.tolist() + [-1] * (k - n)
        assert value[image, :n].tolist() == cells.ravel()[wanted].tolist()


@pytest.mark.parametrize("session", ["shuffled", GPU], indirect=True)
def test_equals_max_pooling_where_values_differ(session, rng):
    torch = pytest.importorskip("torch")
    maps = rng.permutation(2 * 20 * 30).reshape(1, 2, 20, 30).astype(np.float32)
    pooled = torch.nn.functional.max_pool2d(torch.from_numpy(maps), 3, 1, 1)[0].numpy()
    wanted = np.flatnonzero((pooled == maps[0]) & (maps[0] >= 300))
    index, _, kept, _ = run(session, maps, 600, 300)
    assert sorted(index[0, : kept[0]]) == wanted.tolist()


def test_refuses_what_has_no_meaning():
    with pytest.raises(ShapeError, match="maps, images and k >= 1"):
        PeaksPlan(None, batch=1, shape=(0, 4, 4), k=1, threshold=0.5)
    with pytest.raises(ValueError, match="not a number"):
        PeaksPlan(None, batch=1, shape=(1, 4, 4), k=1, threshold=float("nan"))
