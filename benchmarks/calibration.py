"""Calibration against the bare forwards it cannot do without: CPU time and memory.

    python -m benchmarks.calibration [--images 128] [--rounds 5]

Limits: CPU time of a pass over the data <= 1.3 x the forwards of the same session with the same
outputs (and, beside it, of a session with ONNX Runtime's defaults); resident memory at 512 images
within 10 % of that at 64, each in its own process.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from benchmarks.record import interleaved, record
from edgecv.calibrate import METHODS, calibrate
from edgecv.calibrate.measure import quantised_tensors
from edgecv.calibrate.probe import Probe
from edgecv.graph.read import load_graph

RATIO, FLAT = 1.3, 0.10
SIZE = 224


def images(count: int, kept: int = 16) -> Iterator[np.ndarray]:
    """`count` inputs (1, 3, 224, 224), drawn from `kept` so that making them costs nothing."""
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(kept, 1, 3, SIZE, SIZE)).astype(np.float32)
    for index in range(count):
        yield pool[index % kept]


def forwards(model: onnx.ModelProto, path: Path, count: int) -> None:
    """A session with the calibrated tensors as outputs, run over the data; outputs dropped."""
    probe = Probe(model, quantised_tensors(model, path))
    for image in images(count):
        for _ in probe.run(image):
            pass


def default_forwards(model: onnx.ModelProto, path: Path, count: int) -> None:
    """The same by a session as ONNX Runtime makes it by default."""
    import onnxruntime

    named = [name for name in quantised_tensors(model, path) if name != "images"]
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(onnx.helper.make_tensor_value_info(n, 1, None) for n in named)
    session = onnxruntime.InferenceSession(
        copy.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for image in images(count):
        session.run(named, {"images": image})


def cpu_ratios(path: Path, count: int, rounds: int) -> dict[str, object]:
    model = load_graph(path)
    contenders = {
        "forwards": lambda: forwards(model, path, count),
        "default_session": lambda: default_forwards(model, path, count),
        **{m: lambda m=m: calibrate(path, images(count), m) for m in METHODS},
    }
    seconds = interleaved(contenders, rounds=rounds, clock=time.process_time)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    turns = zip(*(seconds[name] for name in ("forwards", *METHODS)), strict=True)
    ratios = [[value / turn[0] for value in turn[1:]] for turn in turns]
    return {
        "cpu_s": {name: round(value, 3) for name, value in medians.items()},
        "ratio": {
            name: round(statistics.median(values), 3)
            for name, values in zip(METHODS, zip(*ratios, strict=True), strict=True)
        },
        "ratio_to_default_session": {
            name: round(medians[name] / medians["default_session"], 3) for name in METHODS
        },
    }


def resident_mib(path: Path, count: int) -> dict[str, float]:
    """Resident memory of a process that calibrates on `count` images."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.calibration", "--child", str(path), str(count)],
        capture_output=True,
        text=True,
        check=True,
        timeout=1800,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def child(path: Path, count: int) -> None:
    """Loading the model peaks once; what may grow with the images is watched while they stream."""
    streaming = 0.0

    def watched() -> Iterator[np.ndarray]:
        nonlocal streaming
        for image in images(count):
            yield image
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            streaming = max(streaming, pages * resource.getpagesize() / 2**20)

    calibrate(path, watched(), "entropy")
    status = Path("/proc/self/status").read_text()  # ru_maxrss would inherit the parent's
    peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
    print(json.dumps({"peak": round(peak, 1), "streaming": round(streaming, 1)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs=2, metavar=("MODEL", "IMAGES"))
    asked = parser.parse_args()
    if asked.child:
        child(Path(asked.child[0]), int(asked.child[1]))
        return
    from benchmarks.resnet18 import export_resnet18  # torch stays out of the measured child

    with tempfile.TemporaryDirectory() as folder:
        path = export_resnet18(Path(folder), SIZE)
        found = cpu_ratios(path, asked.images, asked.rounds)
        rss = {count: resident_mib(path, count) for count in (64, 512)}
    growth = {kind: round(rss[512][kind] / rss[64][kind] - 1, 4) for kind in rss[64]}
    worst = max(found["ratio"].values())  # type: ignore[attr-defined]
    record(
        "calibration",
        {
            "what": f"ResNet-18 at {SIZE}, random weights, {asked.images} images a pass, batch 1",
            **found,
            "worst_ratio": worst,
            "limit": RATIO,
            "rss_mib": rss,
            "rss_growth": growth,
            "rss_limit": FLAT,
        },
        packages=("numpy", "onnx", "onnxruntime", "numba"),
        holds=worst <= RATIO and all(abs(g) <= FLAT for g in growth.values()),
    )


if __name__ == "__main__":
    main()
