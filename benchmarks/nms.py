"""Class-aware NMS on the CPU against torchvision, at 1,000, 5,000 and 30,000 candidates.

    python -m benchmarks.nms [--peer SITE_PACKAGES]

The peer is `torchvision.ops.batched_nms` of the installed package (or of the one in the folder
`--peer`). Where it cannot be loaded its algorithm is compiled by numba, and the result says so.
Both sides get unsorted boxes, scores and class ids, sort them, and keep every survivor: no limit,
the hardest case for edgecv. Coordinates are multiples of 1/8 pixel, so that the peer's
class offsets do not round them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.record import interleaved, record, summary_ms
from edgecv.ops.nms import nms
from edgecv.ops.topk import topk

IOU, SIDE = 0.7, 640
ROUNDS = 15
CASES = [(n, classes) for n in (1_000, 5_000, 30_000) for classes in (1, 80)]

Boxes = tuple[np.ndarray, np.ndarray, np.ndarray]
Peer = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def candidates(n: int, classes: int, seed: int = 0) -> Boxes:
    """Boxes, scores and ids of a detector: half lie on n / 40 objects, half anywhere."""
    rng = np.random.default_rng(seed)
    objects = np.concatenate(
        [rng.uniform(0, SIDE, (n // 40, 2)), rng.uniform(16, 200, (n // 40, 2))], 1
    )
    label = rng.integers(0, classes, n)
    near = rng.integers(0, len(objects), n // 2)
    boxes = np.concatenate([rng.uniform(0, SIDE, (n, 2)), rng.uniform(8, 120, (n, 2))], 1)
    jitter = rng.normal(0, 0.04, (n // 2, 4)) * np.tile(objects[near, 2:], 2)
    boxes[: n // 2] = objects[near] + jitter
    label[: n // 2] = (near * 7) % classes
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
    scores = rng.uniform(0.001, 1, n).astype(np.float32)
    return (np.round(corners * 8) / 8).astype(np.float32), scores, label.astype(np.int64)


def edgecv_nms(boxes: np.ndarray, scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    order = topk(scores, len(scores))
    return order[nms(boxes[order], ids[order], IOU, len(order))]


def torchvision_nms() -> tuple[Peer, str]:
    """The package's own function."""
    import torch
    import torchvision

    def run(boxes: np.ndarray, scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
        given = (torch.from_numpy(array) for array in (boxes, scores, ids))
        return torchvision.ops.batched_nms(*given, IOU).numpy()

    return run, f"torchvision {torchvision.__version__}, ops.batched_nms"


def written_down() -> tuple[Peer, str]:
    """The same algorithm as its C++: classes offset apart, each kept box removes all later ones."""
    from numba import njit

    @njit
    def keep(x0, y0, x1, y1, limit):  # type: ignore[no-untyped-def]
        area = (x1 - x0) * (y1 - y0)
        dropped = np.zeros(len(x0), np.uint8)
        kept = np.empty(len(x0), np.int64)
        count = 0
        for i in range(len(x0)):
            if dropped[i]:
                continue
            kept[count] = i
            count += 1
            for j in range(i + 1, len(x0)):
                if dropped[j]:
                    continue
                width = max(np.float32(0), min(x1[i], x1[j]) - max(x0[i], x0[j]))
                height = max(np.float32(0), min(y1[i], y1[j]) - max(y0[i], y0[j]))
                common = width * height
                if common / (area[i] + area[j] - common) > limit:
                    dropped[j] = 1
        return kept[:count]

    def run(boxes: np.ndarray, scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
        boxes = boxes + (ids * (boxes.max() + 1))[:, None].astype(np.float32)
        order = np.argsort(-scores, kind="stable")
        x0, y0, x1, y1 = np.ascontiguousarray(boxes[order].T)
        return order[keep(x0, y0, x1, y1, np.float32(IOU))]

    return run, "torchvision's CPU algorithm, compiled by numba (its operator cannot be loaded)"


def measure(peer: Peer, n: int, classes: int) -> dict[str, Any]:
    """Times of both sides, their ratio, and whether they kept the same."""
    given = candidates(n, classes)
    mine, theirs = edgecv_nms(*given), peer(*given)
    seconds = interleaved(
        {"edgecv": lambda: edgecv_nms(*given), "peer": lambda: peer(*given)},
        rounds=ROUNDS if n < 30_000 else 3,
    )
    ratio = statistics.median(seconds["edgecv"]) / statistics.median(seconds["peer"])
    return {
        **{name: summary_ms(values) for name, values in seconds.items()},
        "ratio": round(ratio, 4),
        "kept": len(mine),
        "same": bool(np.array_equal(mine, theirs)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="site-packages folder that holds torchvision")
    given = parser.parse_args()
    if given.peer:
        sys.path.append(given.peer)
    try:
        peer, name = torchvision_nms()
    except (ImportError, RuntimeError) as err:  # not there, or built for another torch
        print(f"torchvision cannot be loaded ({err}): its algorithm by numba", file=sys.stderr)
        peer, name = written_down()
    rows = {f"{n} boxes, {classes} classes": measure(peer, n, classes) for n, classes in CASES}
    for label, row in rows.items():
        mine, other = row["edgecv"]["median_ms"], row["peer"]["median_ms"]
        kept = f"{row['kept']} kept, same {row['same']}"
        print(f"{label}: {mine:.3f} ms / {other:.3f} ms = {row['ratio']}, {kept}")
    record(
        "nms",
        {"peer": name, "iou": IOU, "cases": rows},
        packages=("numpy", "torch", "torchvision", "numba"),
        holds=all(row["same"] for row in rows.values()),
    )


if __name__ == "__main__":
    main()
