"""People from connections: plain Python that numba compiles as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops.paf import PEAKS, WORKING

Array = npt.NDArray[Any]


def assemble(
    peak_scores: Array, pairs: Array, scores: Array, counts: Array, limbs: Array, closing: int
) -> tuple[Array, Array, Array, int]:
    """Step 3 of the contract.

    Args:
        peak_scores: (K, PEAKS) float32.
        pairs: (L, PEAKS, 2) int32 connections of each limb, best first.
        scores: (L, PEAKS) float32.
        counts: (L,) int32.
        limbs: (L, 2) int32 parts.
        closing: How many limbs at the end begin nobody.

    Returns:
        (WORKING, K) int32 peaks of each person, -1 where it has none; (WORKING,) float32 sums;
        (WORKING,) int32 numbers of joints (0: nobody); how many people found no room.
    """
    parts = len(peak_scores)
    members = np.full((WORKING, parts), -1, np.int32)
    sums = np.zeros(WORKING, np.float32)
    sizes = np.zeros(WORKING, np.int32)
    owner = np.full((parts, PEAKS), -1, np.int32)
    people, dropped = 0, 0
    for i in range(len(limbs)):
        part_a, part_b = limbs[i, 0], limbs[i, 1]
        for n in range(counts[i]):
            a, b = pairs[i, n, 0], pairs[i, n, 1]
            one, other = owner[part_a, a], owner[part_b, b]
            first, second = min(one, other), max(one, other)
            if second < 0:
                begins = i < len(limbs) - closing
                dropped += 1 if begins and people == WORKING else 0
                if begins and people < WORKING:
                    members[people, part_a], members[people, part_b] = a, b
                    owner[part_a, a], owner[part_b, b] = people, people
                    sums[people] = peak_scores[part_a, a] + peak_scores[part_b, b] + scores[i, n]
                    sizes[people] = 2
                    people += 1
            elif first < 0:
                part, peak = (part_b, b) if other < 0 else (part_a, a)
                if members[second, part] < 0:
                    members[second, part], owner[part, peak] = peak, second
                    sums[second] += peak_scores[part, peak] + scores[i, n]
                    sizes[second] += 1
            else:
                clash = first == second
                for k in range(parts):
                    clash |= members[first, k] >= 0 and members[second, k] >= 0
                if not clash:
                    for k in range(parts):
                        peak = members[second, k]
                        members[first, k] = max(members[first, k], peak)
                        owner[k, peak] = first if peak >= 0 else owner[k, peak]
                    sums[first] += sums[second] + scores[i, n]
                    sizes[first] += sizes[second]
                    sizes[second] = 0
    return members, sums, sizes, dropped


def select(
    places: Array,
    peak_scores: Array,
    work: tuple[Array, Array, Array],
    min_joints: int,
    min_score: np.float32,
    max_people: int,
) -> tuple[Array, Array, int]:
    """Step 4 of the contract; `work` is what `assemble` returns first.

    Returns:
        (P, K, 3) float32 joints of the people kept, best first; (P,) float32 mean scores; how many
        were cut.
    """
    members, sums, sizes = work
    parts = members.shape[1]
    means = np.zeros(len(members), np.float32)
    kept = np.zeros(len(members), np.int64)
    count = 0
    for person in range(len(members)):
        size = np.float32(sizes[person])
        if sizes[person] < max(1, min_joints) or sums[person] < min_score * size:
            continue
        total = np.float32(0)
        for k in range(parts):
            if members[person, k] >= 0:
                total += peak_scores[k, members[person, k]]
        means[person] = total / size
        kept[count] = person
        count += 1
    order = kept[:count][np.argsort(-means[kept[:count]], kind="mergesort")][:max_people]
    joints = np.zeros((len(order), parts, 3), np.float32)
    for row in range(len(order)):
        for k in range(parts):
            peak = members[order[row], k]
            if peak >= 0:
                joints[row, k, :2] = places[k, peak]
                joints[row, k, 2] = peak_scores[k, peak]
    return joints, means[order], count - len(order)
