"""CPU twin of heatmap: all joints at once in numpy; the search is the cost, the rest is tiny."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops.heatmap import FLOOR, Refine, blur_taps

Array = npt.NDArray[Any]

_REACH = 2  # cells that the second derivatives look at, on each side


def heatmap(maps: Array, refine: Refine, kernel: int) -> Array:
    """See `edgecv.ops.heatmap`; the arguments are checked there."""
    maps = np.ascontiguousarray(maps, np.float32)
    cells, scores = highest(maps.reshape(len(maps), maps.shape[1] * maps.shape[2]))
    y, x = np.divmod(cells, maps.shape[2])
    at = np.stack([x, y], axis=1)
    if refine == "quarter":
        step = quarter(maps, x, y)
    elif refine == "taylor":
        step = taylor(maps, x, y, blur_taps(kernel))
    else:
        step = np.zeros(at.shape)
    return np.concatenate([at + step, scores[:, None]], axis=1).astype(np.float32)


def highest(rows: Array) -> tuple[Array, Array]:
    """(N,) index and value of the highest of each of (N, M) rows; NaN counts as -inf."""
    index = rows.argmax(axis=1)
    value = rows[np.arange(len(rows)), index]
    broken = np.isnan(value)  # argmax takes a NaN for the highest
    if broken.any():
        clean = np.where(np.isnan(rows[broken]), np.float32(-np.inf), rows[broken])
        index[broken] = clean.argmax(axis=1)
        value[broken] = clean.max(axis=1)
    return index, value


def quarter(maps: Array, x: Array, y: Array) -> Array:
    """(J, 2) steps of a quarter cell towards the larger neighbour."""
    _, height, width = maps.shape
    joint = np.arange(len(maps))
    inside = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    u, v = np.where(inside, x, 0), np.where(inside, y, 0)
    right, left = maps[joint, v, (u + 1) % width], maps[joint, v, u - 1]
    below, above = maps[joint, (v + 1) % height, u], maps[joint, v - 1, u]
    sign = np.stack(
        [1.0 * (right > left) - (right < left), 1.0 * (below > above) - (below < above)], axis=1
    )
    step: Array = 0.25 * sign * inside[:, None]
    return step


def taylor(maps: Array, x: Array, y: Array, taps: Array) -> Array:
    """(J, 2) steps to the maximum of the expansion of log(blurred map) at (x, y)."""
    _, height, width = maps.shape
    inside = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
    step = np.zeros((len(maps), 2))
    joint = np.flatnonzero(inside)
    blurred = _blurred(maps, joint, x[joint], y[joint], taps)
    step[joint] = newton_step(np.log(np.maximum(blurred, FLOOR)))
    return step


def _blurred(maps: Array, joint: Array, x: Array, y: Array, taps: Array) -> Array:
    """(J, 5, 5) float64 round each (x, y); beyond its border a map is zero."""
    _, height, width = maps.shape
    reach = _REACH + len(taps) // 2
    around = np.arange(-reach, reach + 1)
    v, u = y[:, None] + around, x[:, None] + around
    rows, columns = (v >= 0) & (v < height), (u >= 0) & (u < width)
    v, u = v.clip(0, height - 1), u.clip(0, width - 1)
    window = maps[joint[:, None, None], v[:, :, None], u[:, None, :]].astype(np.float64)
    window = np.where(rows[:, :, None] & columns[:, None, :], window, 0)
    across = sum(tap * window[:, :, i : i + 5] for i, tap in enumerate(taps.tolist()))
    out: Array = sum(tap * across[:, i : i + 5] for i, tap in enumerate(taps.tolist()))
    return out


def newton_step(log: Array) -> Array:
    """(J, 2) steps from the centres of (J, 5, 5) `log`; 0 where it would not reach a maximum."""
    with np.errstate(divide="ignore", invalid="ignore"):  # infinities and NaN take no step
        centre = log[:, 2, 2]
        dx = 0.5 * (log[:, 2, 3] - log[:, 2, 1])
        dy = 0.5 * (log[:, 3, 2] - log[:, 1, 2])
        dxx = 0.25 * (log[:, 2, 4] - 2 * centre + log[:, 2, 0])
        dyy = 0.25 * (log[:, 4, 2] - 2 * centre + log[:, 0, 2])
        dxy = 0.25 * ((log[:, 3, 3] - log[:, 1, 3]) - (log[:, 3, 1] - log[:, 1, 1]))
        det = dxx * dyy - dxy * dxy
        step = np.stack([(dxy * dy - dyy * dx) / det, (dxy * dx - dxx * dy) / det], axis=1)
        good = (det > 0) & (dxx < 0) & (np.abs(step) <= _REACH).all(axis=1)
    return np.where(good[:, None], step, 0)
