"""INT8 on this CPU: ResNet-18 at 224, batch 1, by OpenVINO, against true fp32 and against bf16.

    python -m benchmarks.int8_cpu [--rounds 200]

The precision hint is always set, and the precision every convolution really runs in is read from
the compiled model: a bf16 model that calls itself fp32 is no fp32. Limits: fp32 / int8 >= 5,
bf16 / int8 >= 1.3 (median latency, rounds interleaved).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from benchmarks.record import interleaved, record, summary_ms
from benchmarks.resnet18 import export_resnet18
from edgecv.build.precision import type_model
from edgecv.calibrate import calibrate
from edgecv.engines.openvino import OpenVinoEngine
from edgecv.graph.read import load_graph

SIZE = 224
LIMITS = {"fp32": 5.0, "bf16": 1.3}
MULTIPLIES = ("Convolution", "FullyConnected", "MatMul")


def graphs(folder: Path, images: list[np.ndarray]) -> dict[str, Path]:
    """fp32 and int8 ONNX files of the same network."""
    source = export_resnet18(folder, SIZE)
    model, ranges = load_graph(source), calibrate(source, images, "entropy")
    files = {}
    for precision in ("fp32", "int8"):
        files[precision] = folder / f"{precision}.onnx"
        onnx.save(type_model(model, precision, ranges=ranges).model, files[precision])
    return files


def really_runs_in(engine: OpenVinoEngine) -> dict[str, int]:
    """Runtime precision -> how many convolutions and matrix products run in it."""
    return dict(Counter(la.precision for la in engine.layers() if la.type in MULTIPLIES))


def inputs(count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    images = list(inputs(16))
    with tempfile.TemporaryDirectory() as name:
        files = graphs(Path(name), images)
        engines = {
            "fp32": OpenVinoEngine(files["fp32"], hint="f32"),
            "bf16": OpenVinoEngine(files["fp32"], hint="bf16"),
            "int8": OpenVinoEngine(files["int8"], hint="f32"),
        }
    runs = {name: really_runs_in(engine) for name, engine in engines.items()}
    compared = [name for name, found in runs.items() if set(found) == {name}]
    if "int8" not in compared or "fp32" not in compared:
        raise SystemExit(f"OpenVINO does not run what is asked here: {runs}")
    feed = {"images": images[0]}
    calls = {name: lambda e=engines[name]: e.execute(feed) for name in compared}
    seconds = interleaved(calls, rounds=rounds)
    ratios = {
        name: round(
            statistics.median(a / b for a, b in zip(seconds[name], seconds["int8"], strict=True)),
            3,
        )
        for name in compared
        if name != "int8"
    }
    record(
        "int8_cpu",
        {
            "what": f"ResNet-18 at {SIZE}, random weights, batch 1, OpenVINO, {rounds} rounds",
            "latency": {name: summary_ms(values) for name, values in seconds.items()},
            "times_faster_than": ratios,
            "limits": LIMITS,
            "layers_run_in": runs,
            "not_compared": sorted(set(engines) - set(compared)),
        },
        packages=("numpy", "onnx", "openvino"),
        holds=all(ratio >= LIMITS[name] for name, ratio in ratios.items()),
    )


if __name__ == "__main__":
    main()
