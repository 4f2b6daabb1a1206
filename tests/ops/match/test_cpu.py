"""The CPU twin of match against brute force in float64; whole numbers, so that ties are exact."""

import numpy as np
import pytest

from edgecv.ops.match import NO_LIMITS, OP, Limits, match
from edgecv.ops.match.cpu import neighbours_of

LIMITS = [NO_LIMITS, Limits(ratio=0.9), Limits(0.8, 6.0)]


def brute_force(first, second, limits):
    """Every pair, one row after the other."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    squared = ((a[:, None] - b[None]) ** 2).sum(2)
    squared[~np.isfinite(squared)] = np.inf
    pairs = []
    for i, row in enumerate(squared):
        order = np.argsort(row, kind="stable")
        j = order[0]
        passes = np.isfinite(row[j]) and squared[:, j].argmin() == i
        if limits.ratio is not None and len(order) > 1 and np.isfinite(row[order[1]]):
            passes = passes and row[j] < limits.ratio**2 * row[order[1]]
        if limits.farthest is not None:
            passes = passes and row[j] <= limits.farthest**2
        if passes:
            pairs.append((i, int(j)))
    return pairs


def some(rng, n, m, depth, dtype=np.float32):
    """Descriptors of whole numbers; half of the second are the first's with noise, some twice."""
    first = rng.integers(-8, 9, (n, depth)).astype(dtype)
    second = rng.integers(-8, 9, (m, depth)).astype(dtype)
    half = min(n, m) // 2
    second[:half] = first[rng.permutation(n)[:half]] + rng.integers(-1, 2, (half, depth))
    if m > 4 and n > 4:
        second[-1], second[-2], first[-1] = second[0], second[1], first[0]
    return first, second


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize(("n", "m", "depth"), [(300, 170, 8), (90, 600, 3), (1, 9, 5), (9, 1, 5)])
def test_equals_brute_force(form, rng, n, m, depth, limits):
    first, second = some(rng, n, m, depth)
    first[n // 2, 0], second[m // 3, 1] = np.nan, np.inf
    pairs, distances = match(first, second, limits)
    wanted = brute_force(first, second, limits)
    assert [tuple(pair) for pair in pairs.tolist()] == wanted
    gaps = first[pairs[:, 0]] - second[pairs[:, 1]]
    np.testing.assert_allclose(distances, np.linalg.norm(gaps, axis=1), atol=OP.atol)


def test_worked_by_hand(form):
    a, b = np.float32([[0], [2], [9]]), np.float32([[1.5], [5]])
    pairs, distances = match(a, b)
    assert (pairs.tolist(), distances.tolist()) == ([[1, 0]], [0.5])
    assert match(a, b, Limits(farthest=0.4))[0].size == 0
    assert match(a, b, Limits(ratio=0.15))[0].size == 0  # 0.5 / 3 is more
    assert len(match(a, b, Limits(ratio=0.17))[0]) == 1


def test_two_equal_neighbours_are_ambiguous_only_to_the_ratio(form):
    a, b = np.float32([[1, 2]]), np.float32([[1, 2], [1, 2]])
    assert match(a, b)[0].tolist() == [[0, 0]]
    assert match(a, b, Limits(ratio=1.0))[0].size == 0


def test_nothing_matches_nothing(form):
    none = np.zeros((0, 4), np.float32)
    assert match(none, np.ones((3, 4), np.float32))[0].shape == (0, 2)
    assert match(np.ones((3, 4), np.float32), none)[1].shape == (0,)
    broken = np.full((3, 4), np.nan, np.float32)
    assert match(broken, np.ones((3, 4), np.float32))[0].size == 0


def test_both_forms_find_the_same_neighbours(rng):
    pytest.importorskip("numba")
    from edgecv.ops.match.loops import neighbours

    norms = (rng.random(40).astype(np.float32) + 1, rng.random(31).astype(np.float32) + 1)
    dots = rng.normal(size=(40, 31)).astype(np.float32)
    dots[3, 4], dots[:, 7], dots[9] = np.inf, np.nan, -np.inf
    seen = []
    for form in (neighbours_of, neighbours):
        floats = [np.full(n, np.inf, np.float32) for n in (40, 40, 31)]
        rows = (np.full(40, -1), floats[0], floats[1])
        columns = (np.full(31, -1), floats[2])
        form(dots, norms, 5, rows, columns)
        seen.append([array.tolist() for array in (*rows, *columns)])
    assert seen[0] == seen[1]
