"""Peaks by hand, against max pooling in torch, and on plateaus against the definition in loops."""

import numpy as np
import pytest

from edgecv.ops.peaks import peaks

pytestmark = pytest.mark.usefixtures("form")

NAN = float("nan")


def found(maps, threshold=0.5, k=100):
    index, dropped = peaks(np.float32(maps), threshold, k)
    return index.tolist(), dropped


def test_by_hand():
    row = [[[0, 0.9, 0, 0.8, 0.7, 0.4, 0, 0.6]]]
    assert found(row) == ([1, 3, 7], 0)


def test_threshold_is_inclusive():
    assert found([[[0, 0.5, 0]]]) == ([1], 0)


def test_plateau_gives_its_first_cell():
    assert found([[[0.9, 0.9, 0], [0.9, 0.9, 0], [0, 0, 0]]]) == ([0], 0)


def test_maps_do_not_see_each_other():
    assert found([[[0.6]], [[0.9]]]) == ([1, 0], 0)


def test_nan_neither_is_nor_hides_a_peak():
    assert found([[[NAN, 0.7, NAN]]]) == ([1], 0)


def test_overflow_is_counted_and_keeps_the_best():
    assert found([[[0.6, 0, 0.9, 0, 0.7]]], k=2) == ([2, 4], 1)


def test_minus_infinity_takes_every_maximum():
    assert found([[[-5.0, -7, -6]]], threshold=-np.inf) == ([0, 2], 0)


def by_definition(maps, threshold):
    """The contract's words as loops."""
    kept = []
    for c, y, x in np.ndindex(maps.shape):
        value = maps[c, y, x]
        window = [
            (maps[c, v, u], (v, u))
            for v in range(max(0, y - 1), min(maps.shape[1], y + 2))
            for u in range(max(0, x - 1), min(maps.shape[2], x + 2))
        ]
        best = max(window, key=lambda cell: (cell[0], [-i for i in cell[1]]))
        if value >= threshold and best[1] == (y, x):
            kept.append((-value, int(np.ravel_multi_index((c, y, x), maps.shape))))
    return [index for _, index in sorted(kept)]


@pytest.mark.parametrize("levels", [3, 1000], ids=["plateaus", "distinct"])
def test_equals_the_definition(rng, levels):
    maps = (rng.integers(0, levels, (3, 17, 11)) / levels).astype(np.float32)
    assert found(maps, 0.4, 10_000) == (by_definition(maps, np.float32(0.4)), 0)


def test_equals_max_pooling_where_values_differ(rng):
    torch = pytest.importorskip("torch")
    maps = rng.permutation(4 * 20 * 30).reshape(4, 20, 30).astype(np.float32)
    pooled = torch.nn.functional.max_pool2d(torch.from_numpy(maps)[None], 3, 1, 1)[0].numpy()
    wanted = np.flatnonzero((pooled == maps) & (maps >= 500))
    index, _ = peaks(maps, 500, 10_000)
    assert sorted(index) == wanted.tolist()
    assert (np.diff(maps.ravel()[index]) < 0).all()


def test_plateaus_and_the_densest_peaks():
    assert found(np.zeros((2, 5, 7)), threshold=-1) == ([0, 35], 0)
    checkers = np.zeros((1, 5, 7))
    checkers[:, ::2, ::2] = 1
    assert len(found(checkers, threshold=1)[0]) == 12


@pytest.mark.parametrize("shape", [(3, 17, 70), (2, 1, 9), (2, 9, 1), (1, 1, 1)], ids=str)
def test_looking_at_all_cells_equals_looking_at_those_above(rng, shape):
    pytest.importorskip("numba")
    from edgecv.ops.peaks.loops import all_peaks, keep_peaks

    maps = (rng.integers(0, 6, shape) / 6).astype(np.float32)
    maps[rng.random(shape) < 0.1] = np.nan
    maps[rng.random(shape) < 0.1] = -np.inf
    for threshold in np.float32([-np.inf, 0.3, 0.8, 2]):
        some = keep_peaks(maps, np.flatnonzero(maps.reshape(-1) >= threshold))
        assert all_peaks(maps, threshold).tolist() == some.tolist()
