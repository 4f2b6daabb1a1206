"""Letterbox + normalise against Ultralytics' own pipeline, bit for bit and in time.

    python -m benchmarks.letterbox [--peer SITE_PACKAGES]

The peer is `BasePredictor.preprocess` of the installed `ultralytics` package, with its own
LetterBox (or of the one in the folder `--peer`: `pip install --no-deps ultralytics` in an
environment of its own keeps its dependencies out of this one). Without the package its published
steps are reproduced, and the result says so. Both sides start from the same decoded BGR picture in
memory and end in a (1, 3, 640, 640) float32 array; with all cores, and with one thread.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from types import MethodType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.record import interleaved, record, summary_ms
from edgecv.bench.source import source_frame
from edgecv.recipe import Input
from edgecv.runtime.preprocess import Preprocessor

SOURCES = {"1080p": (1080, 1920), "1366x768": (768, 1366)}
SIZE = (640, 640)
LIMIT = 0.6
ROUNDS, CALLS = 60, 5

Pipeline = Callable[[np.ndarray], Any]


def ultralytics_pipeline() -> tuple[Pipeline, str]:
    """The package's own code, on the predictor attributes that it reads."""
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp())
    import ultralytics
    from ultralytics.engine.predictor import BasePredictor

    predictor = SimpleNamespace(
        imgsz=SIZE,
        args=SimpleNamespace(rect=False),
        scale_fill=False,
        device=torch.device("cpu"),
        model=SimpleNamespace(format="onnx", dynamic=False, stride=32, fp16=False),
    )
    predictor.pre_transform = MethodType(BasePredictor.pre_transform, predictor)

    def run(image: np.ndarray) -> Any:
        return BasePredictor.preprocess(predictor, [image])

    return run, f"ultralytics {ultralytics.__version__}, BasePredictor.preprocess"


def published_steps() -> tuple[Pipeline, str]:
    """LetterBox and the tensor steps as Ultralytics publishes them, written down anew."""

    def run(image: np.ndarray) -> Any:
        ratio = min(SIZE[0] / image.shape[0], SIZE[1] / image.shape[1])
        wide, high = round(image.shape[1] * ratio), round(image.shape[0] * ratio)
        left, top = (SIZE[1] - wide) / 2, (SIZE[0] - high) / 2
        image = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
        sides = (round(top - 0.1), round(top + 0.1), round(left - 0.1), round(left + 0.1))
        image = cv2.copyMakeBorder(image, *sides, cv2.BORDER_CONSTANT, value=(114,) * 3)
        tensor = torch.from_numpy(image).unsqueeze(0).permute(0, 3, 1, 2).contiguous().flip(1)
        return tensor.float().div_(255)

    return run, "published steps reproduced: the ultralytics package is not installed"


def measure(peer: Pipeline, size: tuple[int, int]) -> dict[str, Any]:
    """Times of both sides on one source size, their ratio, and whether the bits are equal."""
    frame, _ = source_frame(size)
    preprocess = Preprocessor(Input(size=SIZE))
    out = np.empty((3, *SIZE), np.float32)
    noise = np.random.default_rng(0).integers(0, 256, frame.shape, dtype=np.uint8)
    equal = True
    for image in (frame, noise):
        preprocess.into(image, out)
        equal &= np.array_equal(out, peer(image)[0].numpy())
    seconds = interleaved(
        {"edgecv": lambda: preprocess.into(frame, out), "peer": lambda: peer(frame)},
        rounds=ROUNDS,
        calls=CALLS,
    )
    ratio = statistics.median(seconds["edgecv"]) / statistics.median(seconds["peer"])
    times = {name: summary_ms(values) for name, values in seconds.items()}
    return {**times, "ratio": round(ratio, 3), "limit": LIMIT, "bit_equal": bool(equal)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="site-packages folder that holds ultralytics")
    given = parser.parse_args()
    if given.peer:
        sys.path.append(given.peer)
    try:
        peer, name = ultralytics_pipeline()
    except ImportError as err:
        print(f"ultralytics cannot be imported ({err}): reproducing its steps", file=sys.stderr)
        peer, name = published_steps()
    rows = {}
    for threads in (os.cpu_count() or 1, 1):
        cv2.setNumThreads(threads)
        torch.set_num_threads(threads)
        for label, size in SOURCES.items():
            rows[f"{label}, {threads} threads"] = measure(peer, size)
    for label, row in rows.items():
        mine, other = row["edgecv"]["median_ms"], row["peer"]["median_ms"]
        print(f"{label}: {mine:.3f} ms / {other:.3f} ms = {row['ratio']}, equal {row['bit_equal']}")
    record(
        "letterbox",
        {"peer": name, "output": [1, 3, *SIZE], "sources": rows},
        packages=("numpy", "opencv-python-headless", "torch", "numba"),
        holds=all(row["ratio"] <= LIMIT and row["bit_equal"] for row in rows.values()),
    )


if __name__ == "__main__":
    main()
