"""Means under the softmax: by hand, against torch in float64, and with NaN and infinities."""

import numpy as np
import pytest

from edgecv.ops.soft_argmax import OP, soft_argmax
from edgecv.ops.soft_argmax.cpu import places

NAN, INF = float("nan"), float("inf")


def test_by_hand():
    found = soft_argmax(np.log(np.float32([[1, 3, 4]])))
    np.testing.assert_allclose(found, [[0 / 8 + 3 / 8 + 2 * 4 / 8, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("shape", [(5, 33), (17, 64, 48), (3, 1, 1), (2, 6, 7, 9)], ids=str)
def test_equals_torch(rng, shape, dtype):
    torch = pytest.importorskip("torch")
    maps = (4 * rng.standard_normal(shape)).astype(dtype)
    share = torch.softmax(torch.from_numpy(maps).double().reshape(shape[0], -1) * 2.5, 1)
    share = share.reshape(shape)
    wanted = []
    for axis in range(len(shape) - 1, 0, -1):
        others = [d for d in range(1, len(shape)) if d != axis]
        marginal = share.sum(others) if others else share
        wanted.append((marginal * torch.arange(shape[axis])).sum(1))
    wanted.append(share.reshape(shape[0], -1).amax(1))
    found = soft_argmax(maps, 2.5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, torch.stack(wanted, 1).numpy(), atol=OP.atol / 10)


def test_large_values_do_not_overflow():
    maps = np.float32([[1e4, 1e4 + 1, -1e4]])
    place = np.e / (1 + np.e)
    np.testing.assert_allclose(soft_argmax(maps), [[place, place]], rtol=1e-5)
    assert soft_argmax(np.float32([[3e38, -3e38]]), 100).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        pytest.param([NAN, 0, 0], [1.5, 0.5], id="nan"),
        pytest.param([NAN, NAN, NAN], [0, 0], id="no number"),
        pytest.param([-INF, -INF, -INF], [0, 0], id="minus infinity"),
        pytest.param([INF, 5, INF], [1, 0.5], id="infinity"),
        pytest.param([NAN, 5, INF], [2, 1], id="nan and infinity"),
    ],
)
def test_what_is_not_finite(row, wanted):
    found = soft_argmax(np.float32([row, [0, 0, 0]]))
    np.testing.assert_allclose(found, [wanted, [1, 1 / 3]], rtol=1e-6)


def test_coordinates_of_the_cells_are_x_y_z():
    assert places((2, 1, 3))[:, :3].tolist() == [[x, 0, z] for z in (0, 1) for x in (0, 1, 2)]
    assert (places((4, 5))[:, 2] == 1).all()


def test_no_maps():
    assert soft_argmax(np.zeros((0, 4, 5), np.float32)).shape == (0, 3)
