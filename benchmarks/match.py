"""Mutual nearest neighbours with a ratio test, on the CPU against OpenCV's BFMatcher.

    python -m benchmarks.match

2000 x 2000 unit descriptors of 256 channels, as SuperPoint gives them; half of the second picture's
are the first's with noise. Two peers: what OpenCV's tutorials do, crossCheck for mutual neighbours
and knnMatch(k=2) for the ratio; and the least it can do it with, knnMatch there and match back. All
pairs must be the same.
"""

from __future__ import annotations

import statistics

import numpy as np

from benchmarks.record import interleaved, record, summary_ms
from edgecv.ops.match import Limits, match

COUNT, DEPTH, RATIO = 2000, 256, 0.8
ROUNDS = 15

Pairs = set[tuple[int, int]]


def descriptors(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures' (COUNT, DEPTH) float32 unit vectors."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, COUNT, DEPTH))
    half = COUNT // 2
    second[:half] = first[rng.permutation(COUNT)[:half]] + rng.normal(0, 0.5, (half, DEPTH))
    sides = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (first, second))
    a, b = (side.astype(np.float32) for side in sides)
    return a, b


def tutorial(first: np.ndarray, second: np.ndarray) -> Pairs:
    """Pairs that are mutual and pass the ratio."""
    import cv2

    mutual = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(first, second)
    nearest = cv2.BFMatcher(cv2.NORM_L2).knnMatch(first, second, k=2)
    clear = {best.queryIdx for best, rival in nearest if best.distance < RATIO * rival.distance}
    return {(found.queryIdx, found.trainIdx) for found in mutual if found.queryIdx in clear}


def there_and_back(first: np.ndarray, second: np.ndarray) -> Pairs:
    """The same pairs from one search in each direction."""
    import cv2

    matcher = cv2.BFMatcher(cv2.NORM_L2)
    back = {found.queryIdx: found.trainIdx for found in matcher.match(second, first)}
    return {
        (best.queryIdx, best.trainIdx)
        for best, rival in matcher.knnMatch(first, second, k=2)
        if best.distance < RATIO * rival.distance and back[best.trainIdx] == best.queryIdx
    }


def main() -> None:
    """Measure, print and record."""
    import cv2

    first, second = descriptors()
    limits = Limits(ratio=RATIO)
    pairs, _ = match(first, second, limits)
    found = {(int(i), int(j)) for i, j in pairs}
    same = found == tutorial(first, second) == there_and_back(first, second)
    times = interleaved(
        {
            "edgecv": lambda: match(first, second, limits),
            "opencv_cross_check": lambda: tutorial(first, second),
            "opencv": lambda: there_and_back(first, second),
        },
        rounds=ROUNDS,
    )
    ratio = statistics.median(times["opencv"]) / statistics.median(times["edgecv"])
    rows = {name: summary_ms(values) for name, values in times.items()}
    print(f"{len(pairs)} pairs, same {same}, edgecv {ratio:.2f} times as fast", rows)
    record(
        "match",
        {
            "descriptors": [COUNT, COUNT, DEPTH],
            "peer": f"OpenCV {cv2.__version__}, BFMatcher",
            "pairs": len(pairs),
            "same_pairs": same,
            "times": rows,
            "speedup": ratio,
        },
        packages=("numpy", "opencv-python-headless", "numba"),
        holds=same,
    )


if __name__ == "__main__":
    main()
