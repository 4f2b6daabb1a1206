"""Decoding and suppressing a YOLOv8 head of 84 x 8400 on the CPU, against Ultralytics' own code.

    python -m benchmarks.decode_nms [--peer SITE_PACKAGES]

The peer is `ultralytics.utils.nms.non_max_suppression` of the installed package (or of the one in
the folder `--peer`). Both sides start from the same float32 array. edgecv's side is the whole
`decode` of the head: the result type is built and boxes are mapped to the picture; the peer's ends
at boxes in network pixels. The boxes of both sides are held equal: same count, same classes, scores
equal, corners within 0.01 pixel.

The heads are synthetic (`synthetic_head`): real networks give each object a cluster of overlapping
candidates over a floor of low scores. Coordinates are multiples of 1/8 pixel, so that the peer's
class offsets (7680 pixels a class, in float32) do not round them, and both sides decide alike.
torchvision is not imported: where it is, the peer calls its compiled NMS instead of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.record import interleaved, record, summary_ms
from edgecv.head import DenseHead
from edgecv.ops.letterbox import Fit
from edgecv.results import Detections
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry

SIDE, CLASSES, STRIDES = 640, 80, (8, 16, 32)
ROUNDS, CALLS = 40, 5  # one call a turn at validation settings, where the peer takes a second
CORNER_PX = 0.01

Peer = Callable[..., Any]


class Case(NamedTuple):
    """One row of the table: how many objects, and both sides' settings."""

    objects: int
    head: DenseHead
    peer: dict[str, Any]
    limit: float


def case(objects: int, score: float, multi_label: bool, iou: float, limit: float) -> Case:
    head = DenseHead(
        score=score, iou=iou, multi_label=multi_label, pre_nms=30_000, max_detections=300
    )
    settings = {"conf_thres": score, "iou_thres": iou, "multi_label": multi_label, "max_det": 300}
    return Case(objects, head, settings, limit)


CASES = {
    "predict, 20 objects": case(20, 0.25, False, 0.45, 0.25),
    "predict, 200 objects": case(200, 0.25, False, 0.45, 0.25),
    "validate, 20 objects": case(20, 0.001, True, 0.7, 0.05),
}


def synthetic_head(objects: int, seed: int = 0) -> np.ndarray:
    """(1, 84, 8400) float32 probabilities and boxes, as a trained YOLOv8 gives them.

    Every (point, class) has a background logit of N(-9.5, 1.2): 1.5 % of them reach 0.001. An
    object has a class, a box of 24 to 240 pixels and a peak probability of 0.35 to 0.95. It is
    seen by the points inside its box on the stride that suits its size (and, weaker, on the
    neighbouring strides); the logit falls with the squared distance to the centre in box sizes,
    boxes jitter by some 4 % of their size, and three other classes get 3 logits less.
    """
    rng = np.random.default_rng(seed)
    cells = [np.mgrid[: SIDE // s, : SIDE // s].reshape(2, -1)[::-1].T for s in STRIDES]
    centre = np.concatenate([(xy + 0.5) * s for xy, s in zip(cells, STRIDES, strict=True)])
    stride = np.repeat(STRIDES, [len(xy) for xy in cells])
    logits = rng.normal(-9.5, 1.2, (CLASSES, len(centre)))
    boxes = np.concatenate([centre, stride[:, None] * rng.uniform(2, 8, (len(centre), 2))], 1)
    for _ in range(objects):
        size = np.exp(rng.uniform(np.log(24), np.log(240), 2))
        middle = rng.uniform(size / 2, SIDE - size / 2)
        best = min(STRIDES, key=lambda s: abs(np.log2(size.max() / (s * 6))))
        away = np.abs(np.log2(stride / best))
        offset = (centre - middle) / size
        seen = np.flatnonzero((np.abs(offset) < 0.5).all(1) & (away <= 1))
        probability = rng.uniform(0.35, 0.95)
        value = np.log(probability / (1 - probability)) - 2.5 * away[seen]
        value = value - 12 * (offset[seen] ** 2).sum(1) + rng.normal(0, 0.3, len(seen))
        label, *others = rng.choice(CLASSES, 4, replace=False)
        better = value > logits[label, seen]
        logits[label, seen] = np.maximum(logits[label, seen], value)
        for other in others:
            logits[other, seen] = np.maximum(logits[other, seen], value - 3)
        jitter = rng.normal(0, 0.04, (len(seen), 4)) * np.tile(size, 2)
        boxes[seen[better]] = (np.concatenate([middle, size]) + jitter)[better]
    table = np.concatenate([np.round(boxes * 8) / 8, (1 / (1 + np.exp(-logits))).T], axis=1)
    return np.ascontiguousarray(table.T[None], dtype=np.float32)


def ultralytics_nms() -> tuple[Peer, str]:
    """The package's own function."""
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp())
    import ultralytics
    from ultralytics.utils.nms import non_max_suppression

    return non_max_suppression, f"ultralytics {ultralytics.__version__}, non_max_suppression"


def same_boxes(found: Detections, rows: np.ndarray) -> bool:
    """Whether both sides kept the same, whatever the order of equal scores."""
    if len(found) != len(rows):
        return False
    mine = np.column_stack([found.boxes, found.scores, found.ids])
    theirs = np.column_stack([rows[:, :4].clip(0, SIDE), rows[:, 4:6]])
    mine, theirs = (
        side[np.lexsort((side[:, 0], side[:, 5], -side[:, 4]))] for side in (mine, theirs)
    )
    gap = np.abs(mine - theirs)
    return bool(gap[:, :4].max(initial=0) <= CORNER_PX and gap[:, 4:].max(initial=0) == 0)


def _ordered(rows: np.ndarray) -> np.ndarray:
    """Best first; of equal scores by class, then by the left side."""
    return rows[np.lexsort((rows[:, 0], rows[:, 5], -rows[:, 4]))]


def measure(peer: Peer, row: Case) -> dict[str, Any]:
    """Times of both sides, their ratio, and whether they found the same."""
    array = synthetic_head(row.objects)
    geometries = [Geometry((SIDE, SIDE), Fit(0, 0, SIDE, SIDE))]
    outputs, tensor = {"predictions": array}, torch.from_numpy(array)
    (found,) = decode(row.head, outputs, geometries)
    (theirs,) = peer(tensor, **row.peer)
    fast = row.head.score > 0.1
    seconds = interleaved(
        {
            "edgecv": lambda: decode(row.head, outputs, geometries),
            "peer": lambda: peer(tensor, **row.peer),
        },
        rounds=ROUNDS if fast else ROUNDS // 4,
        calls=CALLS if fast else 1,
    )
    ratio = statistics.median(seconds["edgecv"]) / statistics.median(seconds["peer"])
    reached = int((array[0, 4:] >= np.float32(row.head.score)).sum())
    return {
        **{name: summary_ms(values) for name, values in seconds.items()},
        "ratio": round(ratio, 4),
        "limit": row.limit,
        "scores_reached": reached,
        "detections": len(found),
        "same_boxes": same_boxes(found, theirs.numpy()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="site-packages folder that holds ultralytics")
    given = parser.parse_args()
    if given.peer:
        sys.path.append(given.peer)
    peer, name = ultralytics_nms()
    rows = {}
    for threads in (os.cpu_count() or 1, 1):
        torch.set_num_threads(threads)
        for label, row in CASES.items():
            rows[f"{label}, {threads} threads"] = measure(peer, row)
    for label, result in rows.items():
        mine, other = result["edgecv"]["median_ms"], result["peer"]["median_ms"]
        print(
            f"{label}: {mine:.3f} ms / {other:.3f} ms = {result['ratio']} "
            f"(limit {result['limit']}), {result['scores_reached']} scores, "
            f"{result['detections']} boxes, same {result['same_boxes']}"
        )
    record(
        "decode_nms",
        {"peer": name, "head": [1, 4 + CLASSES, 8400], "corner_px": CORNER_PX, "cases": rows},
        packages=("numpy", "torch", "numba"),
        holds=all(row["ratio"] <= row["limit"] and row["same_boxes"] for row in rows.values()),
    )


if __name__ == "__main__":
    main()
