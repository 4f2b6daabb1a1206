"""From a decoded 1080p frame to results, over the engine alone.

    python -m benchmarks.end_to_end [--runs DIR]

ResNet-18 at 224 x 224 and CenterNet (ResNet-18) at 256 x 256 on OpenVINO, fp32 and int8, both
with random weights (latency does not depend on them) and letterboxed by OpenCV's bilinear. End to
end is `model(frame)`: letterbox, normalise, engine, decode, results. The engine alone is
`engine.execute` on a prepared input. Both in turns, in one process. What antialiased centre crop
(the resize torchvision's weights were trained behind) costs instead is written beside.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import interleaved, record, summary_ms
from edgecv.bench.source import source_frame
from edgecv.build import build
from edgecv.calibrate import calibrate_recipe
from edgecv.export import export
from edgecv.pipeline import run_folder
from edgecv.recipe import find_recipe, load_recipe
from edgecv.runtime import load
from edgecv.runtime.model import Model
from edgecv.runtime.preprocess import Preprocessor

FRAME = (1080, 1920)
LIMITS = {"fp32": 1.10, "int8": 1.30}
NETWORKS = {"classify/resnet18": 224, "detect/centernet_resnet18": 256}
ROUNDS, CALLS = 40, 5
_OVERRIDES = (
    "data={format: scenes, seed: 1, train: 64, val: 8}",
    "calibrate={method: minmax, images: 16}",
    "input.resize=letterbox",
    "input.interpolation=linear",
)
_CROWDED = "head.score=0.01"  # as many detections as the head keeps: the dearest decoding


def bundles(name: str, side: int, runs: Path) -> dict[str, Path]:
    """Precision -> bundle of a shipped recipe with random weights."""
    path = find_recipe(Path(name))
    crowded = (_CROWDED,) if load_recipe(path).task == "detect" else ()
    recipe = load_recipe(path, (*_OVERRIDES, *crowded, f"input.size=[{side}, {side}]"))
    run = run_folder(runs, path)
    if not run.model.exists():
        export(recipe, run, weights="random:0")
    if not run.ranges.exists():
        calibrate_recipe(recipe, run)
    return {precision: build(recipe, run, precision, backend="openvino") for precision in LIMITS}


def measure(bundle: Path, precision: str, frame: np.ndarray) -> dict[str, Any]:
    """Times of one bundle end to end and of its engine alone, and their ratio."""
    with load(bundle) as model:
        found = model(frame)
        batch, _ = model.preprocess.batch([frame])
        prepared = {model.engine.inputs[0].name: batch}
        seconds = interleaved(
            {"end_to_end": lambda: model(frame), "engine": lambda: model.engine.execute(prepared)},
            rounds=ROUNDS,
            calls=CALLS,
        )
        steps = _steps(model, frame)
        achieved = model.bundle.manifest.precision.achieved
    ratio = statistics.median(seconds["end_to_end"]) / statistics.median(seconds["engine"])
    return {
        **{name: summary_ms(values) for name, values in seconds.items()},
        "steps_median_ms": steps,
        "ratio": round(ratio, 4),
        "limit": LIMITS[precision],
        "results": len(getattr(found, "ids", ())),
        "achieved": achieved,
    }


def _steps(model: Model, frame: np.ndarray) -> dict[str, float]:
    rows = [model.timed(frame)[1] for _ in range(ROUNDS)]
    return {name: round(statistics.median(row[name] for row in rows), 4) for name in rows[0]}


def antialiased(side: int, frame: np.ndarray) -> dict[str, float]:
    """Times of the antialiased centre crop to `side`."""
    path = find_recipe(Path("classify/resnet18"))
    spec = load_recipe(path).input.model_copy(update={"size": (side, side)})
    preprocess, out = Preprocessor(spec), np.empty((3, side, side), np.float32)
    seconds = interleaved({"pre": lambda: preprocess.into(frame, out)}, rounds=ROUNDS)
    return summary_ms(seconds["pre"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, help="keep the bundles here (default: throw away)")
    kept = parser.parse_args().runs
    frame, _ = source_frame(FRAME)
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, side in NETWORKS.items():
            for precision, bundle in bundles(name, side, kept or Path(scratch)).items():
                row = rows[f"{name} {precision}"] = measure(bundle, precision, frame)
                whole, engine = row["end_to_end"]["median_ms"], row["engine"]["median_ms"]
                print(f"{name} {precision}: {whole:.3f} / {engine:.3f} ms = {row['ratio']}")
    record(
        "end_to_end",
        {"source": list(FRAME), "networks": rows, "antialiased_crop_224": antialiased(224, frame)},
        packages=("numpy", "opencv-python-headless", "openvino", "numba"),
        holds=all(row["ratio"] <= row["limit"] for row in rows.values()),
    )


if __name__ == "__main__":
    main()
