"""The contract of paf in plain Python and float64, one sentence after the other."""

import math

import numpy as np

from edgecv.ops.paf import PEAKS, Grouping


def peaks_of(one, least):
    """[(x, y, height)] of one map, highest first."""
    height, width = one.shape
    found = []
    for y, x in np.ndindex(one.shape):
        value = float(one[y, x])
        if not value > 0:
            continue
        around = [
            (v, u)
            for v in range(max(0, y - 1), min(height, y + 2))
            for u in range(max(0, x - 1), min(width, x + 2))
            if (v, u) != (y, x)
        ]
        if any(one[c] > value or (one[c] == value and c < (y, x)) for c in around):
            continue
        steps, rises = [], []
        for inside, before, after in (
            (0 < x < width - 1, (y, x - 1), (y, x + 1)),
            (0 < y < height - 1, (y - 1, x), (y + 1, x)),
        ):
            if not inside:
                steps.append(0.0)
                rises.append(0.0)
                continue
            a, b, c = (math.log(max(float(one[p]), value / 10)) for p in (before, (y, x), after))
            bend = a - 2 * b + c
            steps.append((a - c) / (2 * bend) if bend < 0 else 0.0)
            rises.append(-((a - c) ** 2) / (8 * bend) if bend < 0 else 0.0)
        top = value * math.exp(sum(rises))
        if top >= least:
            found.append((x + steps[0], y + steps[1], top))
    return sorted(found, key=lambda peak: -peak[2])


def bilinear(one, x, y):
    height, width = one.shape
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    u, v = int(x), int(y)
    s, t = x - u, y - v
    right, below = min(u + 1, width - 1), min(v + 1, height - 1)
    upper = (1 - s) * one[v, u] + s * one[v, right]
    return (1 - t) * upper + t * ((1 - s) * one[below, u] + s * one[below, right])


def affinity_of(fx, fy, a, b, grouping):
    """The score of a limb from peak a to peak b; None if it is refused."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy)
    if length < 1e-6:
        return None
    along = []
    for i in range(10):
        x, y = a[0] + dx * i / 9, a[1] + dy * i / 9
        along.append((bilinear(fx, x, y) * dx + bilinear(fy, x, y) * dy) / length)
    hits = [value for value in along if value > grouping.affinity]
    if len(hits) <= grouping.share * 10:
        return None
    score = sum(hits) / len(hits) + min(0, fx.shape[0] / (2 * length) - 1)
    return score if score > 0 else None


def people_of(heatmaps, fields, joints, grouping):
    """[(joints {part: peak}, mean score)], best first, and how many peaks were dropped."""
    peaks = [peaks_of(heatmaps[k], grouping.peak) for k in range(joints)]
    dropped = sum(max(0, len(found) - PEAKS) for found in peaks)

    def affinity(limb, a, b):
        x, y = grouping.fields[limb]
        return affinity_of(fields[x], fields[y], a, b, grouping)

    return people_from([found[:PEAKS] for found in peaks], affinity, grouping), dropped


def people_from(peaks, affinity, grouping):
    """The same from peaks of each part, and `affinity(limb, peak, peak)`, a score or None."""
    people = []
    for i, (a, b) in enumerate(grouping.limbs):
        scored = []
        for m, one in enumerate(peaks[a]):
            for n, other in enumerate(peaks[b]):
                score = affinity(i, one, other)
                if score is not None:
                    scored.append((-score, m, n))
        used = set()
        for minus, m, n in sorted(scored):
            if ("a", m) in used or ("b", n) in used:
                continue
            used |= {("a", m), ("b", n)}
            _join(people, i, (a, m, peaks[a][m][2]), (b, n, peaks[b][n][2]), -minus, grouping)
    kept = []
    for person in people:
        size = len(person["parts"])
        if size < grouping.min_joints or person["sum"] < grouping.min_score * size:
            continue
        found = {part: peaks[part][peak] for part, peak in person["parts"].items()}
        kept.append((found, sum(peak[2] for peak in found.values()) / size))
    return sorted(kept, key=lambda person: -person[1])[: grouping.max_people]


def _join(people, limb, one, other, score, grouping):
    (a, m, height_a), (b, n, height_b) = one, other
    first = next((p for p in people if p["parts"].get(a) == m), None)
    second = next((p for p in people if p["parts"].get(b) == n), None)
    if first is None and second is None:
        if limb < len(grouping.limbs) - grouping.closing:
            people.append({"parts": {a: m, b: n}, "sum": height_a + height_b + score})
    elif second is None:
        if b not in first["parts"]:
            first["parts"][b] = n
            first["sum"] += height_b + score
    elif first is None:
        if a not in second["parts"]:
            second["parts"][a] = m
            second["sum"] += height_a + score
    elif first is not second and not first["parts"].keys() & second["parts"].keys():
        keep, gone = (
            (first, second) if people.index(first) < people.index(second) else (second, first)
        )
        keep["parts"] |= gone["parts"]
        keep["sum"] += gone["sum"] + score
        people.remove(gone)


def tangle(rng, images):
    """Maps of 5 parts full of peaks and rivals, and 8 limbs between any of them, some twice.

    People are begun, joined, merged, refused and closed in all ways.
    """
    heatmaps = rng.uniform(0, 1, (images, 5, 8, 10)).astype(np.float32)
    fields = rng.uniform(-0.2, 1, (images, 6, 8, 10)).astype(np.float32)
    limbs = [tuple(int(k) for k in rng.permutation(5)[:2]) for _ in range(8)]
    channels = [tuple(int(k) for k in rng.permutation(6)[:2]) for _ in range(8)]
    limits = {"share": 0.5, "peak": 0.8, "min_joints": 2, "max_people": 64}
    return heatmaps, fields, Grouping(tuple(limbs), tuple(channels), closing=2, **limits)
