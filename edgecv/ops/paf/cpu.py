"""CPU twin of paf: compiled loops, or numpy and plain Python with equal bits without numba."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.ops._jit import jit_available
from edgecv.ops.paf import FAINT, LEAST, PEAKS, SAMPLES, Grouping, People
from edgecv.ops.paf.assembly import assemble, select
from edgecv.ops.peaks.cpu import keep_peaks

Array = npt.NDArray[Any]


class Peaks(NamedTuple):
    """Peaks of each of K parts, highest first; rows beyond the count mean nothing.

    `places`: (K, PEAKS, 2) float32 x, y; `scores`: (K, PEAKS) float32; `counts`: (K,) int32;
    `dropped`: peaks beyond the capacity.
    """

    places: Array
    scores: Array
    counts: Array
    dropped: int


class Connections(NamedTuple):
    """Connections of each of L limbs, best first; rows beyond the count mean nothing.

    `pairs`: (L, PEAKS, 2) int32 peaks of the limb's two parts; `scores`: (L, PEAKS) float32;
    `counts`: (L,) int32.
    """

    pairs: Array
    scores: Array
    counts: Array


def paf(heatmaps: Array, fields: Array, joints: int, grouping: Grouping) -> People:
    """See `edgecv.ops.paf`; the arguments are checked there."""
    maps = np.ascontiguousarray(heatmaps[:joints])
    fields = np.ascontiguousarray(fields)
    limbs = np.array(grouping.limbs, np.int32)
    group, choose = assemble, select
    if jit_available():
        from edgecv.ops.paf import loops

        group, choose = loops.assemble, loops.select
    peaks = find_peaks(maps, grouping.peak)
    found = connect(fields, peaks, grouping)
    work = group(peaks.scores, found.pairs, found.scores, found.counts, limbs, grouping.closing)
    limits = (grouping.min_joints, np.float32(grouping.min_score), grouping.max_people)
    kept, scores, cut = choose(peaks.places, peaks.scores, work[:3], *limits)
    return People(kept, scores, int(peaks.dropped + work[3] + cut))


def find_peaks(maps: Array, least: float) -> Peaks:
    """Step 1 of the contract, of (K, h, w) float32 maps."""
    if jit_available():
        from edgecv.ops.paf import loops

        return Peaks(*loops.find_peaks(maps, np.float32(least)))
    count, height, width = maps.shape
    flat = maps.reshape(-1)
    faintest = max(np.float32(least) * np.float32(LEAST), np.float32(np.finfo(np.float32).tiny))
    cells = keep_peaks(maps, np.flatnonzero(flat >= faintest))
    part, cell = np.divmod(cells, height * width)
    y, x = np.divmod(cell, width)
    step_x, rise_x = _parabola(flat, cells, 1, (x > 0) & (x < width - 1))
    step_y, rise_y = _parabola(flat, cells, width, (y > 0) & (y < height - 1))
    score = (flat[cells].astype(np.float64) * np.exp(rise_x + rise_y)).astype(np.float32)
    place = np.stack([x + step_x, y + step_y], axis=1).astype(np.float32)
    places = np.zeros((count, PEAKS, 2), np.float32)
    scores = np.zeros((count, PEAKS), np.float32)
    counts = np.zeros(count, np.int32)
    dropped = 0
    for k in range(count):
        mine = np.flatnonzero((part == k) & (score >= np.float32(least)))
        best = mine[np.argsort(-score[mine], kind="stable")][:PEAKS]
        counts[k] = len(best)
        places[k, : len(best)], scores[k, : len(best)] = place[best], score[best]
        dropped += len(mine) - len(best)
    return Peaks(places, scores, counts, dropped)


def _parabola(flat: Array, cells: Array, stride: int, inside: Array) -> tuple[Array, Array]:
    """Steps to, and rises of the logarithm at, the peaks along one axis; zeros where not inside."""
    value = flat[cells]
    floor = np.float32(FAINT) * value
    log = np.log(value.astype(np.float64))
    before = flat[np.where(inside, cells - stride, cells)]
    after = flat[np.where(inside, cells + stride, cells)]
    left = np.log(np.where(before > floor, before, floor).astype(np.float64))
    right = np.log(np.where(after > floor, after, floor).astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        curve = (left - log) + (right - log)
        good = inside & (curve < 0)
        step = np.where(good, 0.5 * (left - right) / curve, 0.0)
        rise = np.where(good, -0.125 * (left - right) * (left - right) / curve, 0.0)
    return step, rise


def connect(fields: Array, peaks: Peaks, grouping: Grouping) -> Connections:
    """Step 2 of the contract, of (F, h, w) float32 fields."""
    affinity, needed = np.float32(grouping.affinity), grouping.needed
    if jit_available():
        from edgecv.ops.paf import loops

        limbs, channels = np.array(grouping.limbs, np.int32), np.array(grouping.fields, np.int32)
        where = (peaks.places, peaks.counts)
        return Connections(*loops.connect(fields, where, limbs, channels, affinity, needed))
    count = len(grouping.limbs)
    pairs = np.zeros((count, PEAKS, 2), np.int32)
    scores = np.zeros((count, PEAKS), np.float32)
    counts = np.zeros(count, np.int32)
    for i, ((a, b), channel) in enumerate(zip(grouping.limbs, grouping.fields, strict=True)):
        start, end = peaks.places[a, : peaks.counts[a]], peaks.places[b, : peaks.counts[b]]
        score = _affinities(fields[list(channel)], start, end, affinity, needed)
        used_a, used_b = set(), set()
        for pair in np.argsort(-score.reshape(-1), kind="stable"):
            m, n = divmod(int(pair), len(end))
            if not score[m, n] > 0:
                break
            if m in used_a or n in used_b:
                continue
            used_a.add(m)
            used_b.add(n)
            pairs[i, counts[i]], scores[i, counts[i]] = (m, n), score[m, n]
            counts[i] += 1
    return Connections(pairs, scores, counts)


def _affinities(field: Array, start: Array, end: Array, affinity: np.float32, needed: int) -> Array:
    """(A, B) scores of limbs from each start to each end; 0 for those that are refused."""
    _, height, width = field.shape
    one = np.float32(1)
    delta = end[None] - start[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.sqrt(delta[..., 0] * delta[..., 0] + delta[..., 1] * delta[..., 1])
        unit = delta / length[..., None]
    total, hits = np.zeros(length.shape, np.float32), np.zeros(length.shape, np.int32)
    for i in range(SAMPLES):
        at = start[:, None] + delta * (np.float32(i) / np.float32(SAMPLES - 1))
        x = np.minimum(np.maximum(at[..., 0], 0), np.float32(width - 1))
        y = np.minimum(np.maximum(at[..., 1], 0), np.float32(height - 1))
        u, v = x.astype(np.int32), y.astype(np.int32)
        fx, fy = x - u.astype(np.float32), y - v.astype(np.float32)
        right, below = np.minimum(u + 1, width - 1), np.minimum(v + 1, height - 1)
        upper = (one - fx) * field[:, v, u] + fx * field[:, v, right]
        lower = (one - fx) * field[:, below, u] + fx * field[:, below, right]
        value = (one - fy) * upper + fy * lower
        along = value[0] * unit[..., 0] + value[1] * unit[..., 1]
        counts = along > affinity
        total += np.where(counts, along, np.float32(0))
        hits += counts
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.float32(0.5) * np.float32(height) / length - one
        score = total / hits.astype(np.float32) + np.minimum(far, np.float32(0))
    good = (length > np.float32(1e-6)) & (hits >= needed) & (score > 0)
    kept: Array = np.where(good, score, np.float32(0))
    return kept
