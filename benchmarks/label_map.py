"""Class scores to labels at the picture's size: edgecv's fused CPU twin against two usual ways.

    python -m benchmarks.label_map

Peers, in the same run: torch's `interpolate` (bilinear) then `argmax`, and OpenCV's `resize` of
each class then numpy's `argmax`. All start from the same float32 scores (C, h, w) and end in uint8
labels. The scores are those of a photograph (minus the distance of its blurred colours to C
colours drawn from it, so that edges lie as in pictures) and, as the worst case, pure noise.

Agreement: the share of pixels whose label is torch's; every other pixel must be a tie up to
rounding. The numpy form, for machines without numba, is measured beside.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn.functional import interpolate

from benchmarks.record import interleaved, record, summary_ms
from edgecv.bench.source import source_frame
from edgecv.ops._jit import DISABLE
from edgecv.ops.label_map import label_map, sampling

SHAPES = {  # classes, rows, columns of the scores; (height, width) of the labels
    "21 x 129 x 129 to 1080 x 1920": ((21, 129, 129), (1080, 1920)),
    "19 x 128 x 256 to 1024 x 2048": ((19, 128, 256), (1024, 2048)),
}
LIMIT = 0.2  # of torch's time, on a photograph's scores
TIE = 1e-4
ROUNDS = 7

Way = Callable[[], np.ndarray]


def photograph_scores(shape: tuple[int, int, int]) -> np.ndarray:
    """(C, h, w) float32: how near each place's colour is to each of C of the picture's colours."""
    frame, _ = source_frame((1080, 1920))
    small = cv2.resize(cv2.GaussianBlur(frame, (0, 0), 6), shape[:0:-1], interpolation=3)
    colors = small.reshape(-1, 3).astype(np.float32)
    chosen = colors[np.random.default_rng(0).choice(len(colors), shape[0], replace=False)]
    gaps = colors[None] - chosen[:, None]
    return -np.square(gaps).sum(2).reshape(shape) / np.float32(1000)


def noise_scores(shape: tuple[int, int, int]) -> np.ndarray:
    """(C, h, w) float32, normal."""
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def ways(scores: np.ndarray, size: tuple[int, int]) -> dict[str, Way]:
    """The contenders."""
    out, planes = np.empty(size, np.uint8), torch.from_numpy(scores)[None]
    read = sampling(scores.shape[1:], size)

    def with_torch() -> np.ndarray:
        wide = interpolate(planes, size, mode="bilinear", align_corners=False)
        return wide.argmax(1)[0].to(torch.uint8).numpy()

    def with_opencv() -> np.ndarray:
        wide = np.stack([cv2.resize(plane, size[::-1]) for plane in scores])
        return wide.argmax(0).astype(np.uint8)

    def numpy_form() -> np.ndarray:
        os.environ[DISABLE] = "1"
        try:
            return label_map(scores, read, out)
        finally:
            del os.environ[DISABLE]

    return {
        "edgecv": lambda: label_map(scores, read, out),
        "edgecv_numpy": numpy_form,
        "torch": with_torch,
        "opencv": with_opencv,
    }


def agreement(scores: np.ndarray, labels: np.ndarray, wanted: np.ndarray) -> tuple[float, bool]:
    """Share of equal labels, and whether all others are ties of torch's values."""
    wide = interpolate(torch.from_numpy(scores)[None], labels.shape, mode="bilinear")[0].numpy()
    y, x = np.nonzero(labels != wanted)
    gap = np.abs(wide[labels[y, x], y, x] - wide[wanted[y, x], y, x])
    return 1 - len(y) / labels.size, bool((gap <= TIE).all())


def measure(scores: np.ndarray, size: tuple[int, int]) -> dict[str, Any]:
    """Times, ratios and agreement on one set of scores."""
    contenders = ways(scores, size)
    labels, wanted = contenders["edgecv"]().copy(), contenders["torch"]()
    same, ties = agreement(scores, labels, wanted)
    same_forms = np.array_equal(labels, contenders["edgecv_numpy"]())
    seconds = interleaved(contenders, rounds=ROUNDS)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        **{name: summary_ms(values) for name, values in seconds.items()},
        "ratio_torch": round(middle["edgecv"] / middle["torch"], 4),
        "ratio_opencv": round(middle["edgecv"] / middle["opencv"], 4),
        "limit": LIMIT,
        "same_labels": round(same, 6),
        "others_are_ties": ties,
        "forms_equal": same_forms,
    }


def main() -> None:
    rows: dict[str, dict[str, Any]] = {}
    for threads in sorted({os.cpu_count() or 1, 1}, reverse=True):
        cv2.setNumThreads(threads)
        torch.set_num_threads(threads)
        for label, (shape, size) in SHAPES.items():
            for kind, make in (("photograph", photograph_scores), ("noise", noise_scores)):
                rows[f"{label}, {kind}, {threads} threads"] = measure(make(shape), size)
    for name, row in rows.items():
        mine, other = row["edgecv"]["median_ms"], row["torch"]["median_ms"]
        print(
            f"{name}: {mine:.2f} ms, torch {other:.1f} ms ({row['ratio_torch']}), "
            f"OpenCV {row['opencv']['median_ms']:.1f} ms, same {row['same_labels']:.4%}"
        )
    right = all(row["others_are_ties"] and row["forms_equal"] for row in rows.values())
    fast = all(row["ratio_torch"] <= LIMIT for name, row in rows.items() if "photograph" in name)
    record(
        "label_map",
        {"peers": f"torch {torch.__version__}, OpenCV {cv2.__version__}", "cases": rows},
        packages=("numpy", "opencv-python-headless", "torch", "numba"),
        holds=right and fast,
    )


if __name__ == "__main__":
    main()
