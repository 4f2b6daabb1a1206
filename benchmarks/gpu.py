"""The device path on a real GPU: is it right, does it stay flat, and how long does a frame take.

    python -m benchmarks.gpu [--pack FOLDER_OR_TAR] [--only NAME ...] [--flavour tensorrt]

Part of `make gpu-check`; docs/gpu-check.md has the whole procedure. It needs a GPU, pycuda, NVRTC
(or cubins) and OpenCV; engines also need TensorRT and the pack of `benchmarks.gpu_pack`, and are
left out, saying so, without them. Neither torch nor onnx nor a network is used. Without a GPU it
exits with 3. Every finished part is written to results/gpu.json at once.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import record
from edgecv.bench.device import device_times
from edgecv.bench.gpu_state import gpu_state
from edgecv.bench.source import source_frame
from edgecv.build.rebuild import rebuild
from edgecv.cuda.driver import devices
from edgecv.cuda.session import Session
from edgecv.engines.trt_match import installed_version
from edgecv.errors import EdgecvError
from edgecv.head import DenseHead
from edgecv.ops.letterbox import Fit
from edgecv.ops.letterbox.cuda import LetterboxPlan
from edgecv.ops.letterbox.nv12 import Nv12
from edgecv.recipe import Bench, Input
from edgecv.runtime import load
from edgecv.runtime.device.decoders import enqueue, make_decoder
from edgecv.runtime.device.placing import measure
from edgecv.runtime.device.program import Program, Segment
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry, Preprocessor

PACK = Path("runs/gpu-pack")
END_TO_END, NMS_SHARE, NMS_MS = 1.25, 0.10, 0.060  # the limits
SOAK_FRAMES, SOAK_SLACK_MIB = 10_000, 4
MEASURE = Bench(warmup=30, frames=300)
OBJECTS = (0, 5, 50, 300)
POINTS, CLASSES = 8400, 80
FRAME, INPUT = (1080, 1920), (640, 640)  # height, width
RUNS, WARMUP = 200, 20  # of what events time
THREAD_FRAMES = 500


def letterbox_bits(session: Session) -> dict[str, Any]:
    """CUDA letterbox against the CPU twin on a photograph: every bit, and milliseconds at 1080p."""
    photo, name = source_frame(FRAME)
    rng, rows, wrong = np.random.default_rng(0), {}, 0
    nv12 = Nv12(
        rng.integers(0, 256, FRAME, dtype=np.uint8),
        rng.integers(0, 256, (FRAME[0] // 2, FRAME[1] // 2, 2), dtype=np.uint8),
        matrix="709",
        range="limited",
    )
    odd = np.ascontiguousarray(photo[: FRAME[0] // 2 | 1, : FRAME[1] // 2 | 1])
    frames = {"1080p": photo, "odd": odd, "nv12": nv12}
    for interpolation in ("linear", "antialias", "area"):
        spec = Input(size=INPUT, interpolation=interpolation)
        preprocess = Preprocessor(spec)
        with session.current():
            plan = LetterboxPlan(session, size=INPUT, target=preprocess.target, max_frame=FRAME)
            stream, out = session.stream(), session.empty((1, 3, *INPUT), "float32")
            for label, image in frames.items():
                want = np.empty((3, *INPUT), np.float32)
                geometry = preprocess.into(image, want)
                slot = np.zeros(plan.frame_bytes, np.uint8)
                block = plan.stage(image, geometry.fit, slot)
                device = session.upload(slot[None])
                blocks = session.upload(np.array(block)[None])
                work = partial(plan.enqueue, stream, device, blocks, out)
                spans = timed(session, stream, work)
                equal = bool(np.array_equal(session.download(out)[0], want))
                wrong += not equal
                rows[f"{interpolation} {label}"] = {"bit_equal": equal, "ms": spans}
                device.free()
                blocks.free()
            out.free()
            plan.close()
    return {"frame": name, "rows": rows, "holds": wrong == 0}


def dense_decoding(session: Session) -> dict[str, Any]:
    """Decode and NMS of (1, 84, 8400) at 0 to 300 objects: the CPU twin's boxes, and time."""
    head, rows, holds = DenseHead(), {}, True
    geometry = Geometry((640, 640), Fit(0, 0, 640, 640))
    for count in OBJECTS:
        table = predictions(count)
        with session.current():
            outputs = {"predictions": session.upload(table)}
            blocks = session.zeros((1, 32), "int32")
            decoder = make_decoder(session, head, outputs, batch=1, input_size=(640, 640))
            stream = session.stream()
            work = partial(enqueue, decoder, head, stream, blocks)
            spans = timed(session, stream, work)
            host = {name: session.download(array) for name, array in decoder.results.items()}
            (mine,) = decoder.collect(host, [geometry])
            decoder.close()
            blocks.free()
            outputs["predictions"].free()
        (want,) = decode(head, {"predictions": table}, [geometry])
        same = len(mine.boxes) == len(want.boxes) and bool(np.allclose(mine.boxes, want.boxes))
        holds &= same and mine.ids.tolist() == want.ids.tolist()
        rows[str(count)] = {"same": same, "found": len(mine.boxes), "ms": spans}
    return {"rows": rows, "holds": holds}


def predictions(objects: int) -> np.ndarray:
    """(1, 84, 8400) float32 with `objects` well-separated objects, six overlapping points each."""
    rng = np.random.default_rng(objects)
    table = np.zeros((1, 4 + CLASSES, POINTS), np.float32)
    table[0, :4] = rng.uniform(10, 600, (4, POINTS))
    table[0, 4:] = rng.uniform(0, 0.2, (CLASSES, POINTS))
    points = rng.permutation(POINTS)[: objects * 6].reshape(objects, 6)
    for index, near in enumerate(points):
        centre = np.array([30 + 36 * (index % 17), 30 + 34 * (index // 17)], np.float32)
        table[0, :2, near] = centre + rng.uniform(-2, 2, (6, 2))
        table[0, 2:4, near] = 28 + rng.uniform(-1, 1, (6, 2))
        table[0, 4 + index % CLASSES, near] = rng.uniform(0.4, 0.95, 6)
    return table


def timed(session: Session, stream: Any, work: Callable[[], None]) -> dict[str, float]:
    """Milliseconds of a piece of work as a graph, by events: median and p90."""
    work()
    stream.synchronize()
    program = Program(session, stream, [Segment((work,), True)])
    first, last, spans = session.event(), session.event(), []
    for index in range(WARMUP + RUNS):
        first.record(stream)
        program.run()
        last.record(stream)
        last.synchronize()
        if index >= WARMUP:
            spans.append(last.ms_since(first))
    program.close()
    ordered = sorted(spans)
    return {"median": round(statistics.median(spans), 5), "p90": round(ordered[int(0.9 * RUNS)], 5)}


def engine(bundle: Path, scratch: Path, flavour: str) -> dict[str, Any]:
    """Build one bundle's engine here, hold it to its golden sample, and measure a 1080p frame."""
    began = time.perf_counter()
    place = rebuild(bundle, backend=flavour, out=scratch / bundle.parent.name / bundle.name)
    built = time.perf_counter() - began
    frame, _ = source_frame(FRAME)
    with load(place) as model:
        report = model.self_test()
        times = device_times(model, frame, MEASURE)
        spans = [model.steps(frame) for _ in range(WARMUP + RUNS)][WARMUP:]
        steps = {name: statistics.median(row[name] for row in spans) for name in spans[0]}
        graph_equal = replays(model)
        achieved = model.bundle.manifest.precision.achieved
    whole, alone = times["closed_loop"]["p50_ms"], times["engine"]["p50_ms"]
    copy = steps["stage_ms"] + steps["copy_ms"]
    ratio = whole / (alone + copy)
    share = steps["decode_ms"] / alone
    return {
        "build_s": round(built, 1),
        "achieved": achieved,
        "tolerance": report["tolerance"],
        "differences": report["differences"],
        "graph_equals_eager": graph_equal,
        "steps_ms": {name: round(value, 4) for name, value in steps.items()},
        **times,
        "ratio": round(ratio, 3),
        "ratio_to_engine_and_device_copy": round(whole / (alone + steps["copy_ms"]), 3),
        "decode_share": round(share, 3),
        "holds": bool(
            graph_equal
            and ratio <= END_TO_END
            and (share <= NMS_SHARE or steps["decode_ms"] <= NMS_MS)
        ),
    }


def replays(model: Any) -> bool:
    """Whether a captured graph gives what eager work gives, on two pictures of two sizes."""
    frames = [source_frame(size)[0] for size in (FRAME, (FRAME[0] // 2, FRAME[0] // 3))]
    found, outputs = [], []
    for graphs in (True, False, True):
        model.graphs = graphs
        found.append([model(frame).to_dict() for frame in frames])
        outputs.append([model.raw([frame])[0] for frame in frames])
    same = [equal(a, b) for other in outputs[1:] for a, b in zip(outputs[0], other, strict=True)]
    return found[0] == found[1] == found[2] and all(same) and not equal(*outputs[0])


def equal(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(array, other[name]) for name, array in mine.items())


def soak(place: Path) -> dict[str, Any]:
    """Ten thousand frames of changing size: memory of device and process stays where it was."""
    frames = [source_frame(size)[0] for size in ((480, 640), (333, 500), (720, 1280))]
    with load(place) as model:
        for frame in frames * 10:
            model(frame)
        session = model.engine.session

        def held() -> tuple[int, int, int]:
            with session.current():
                free = session.free_bytes()
            return free, session.allocated_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        before, began = held(), time.perf_counter()
        for index in range(SOAK_FRAMES):
            model(frames[index % 3])
        seconds, after = time.perf_counter() - began, held()
    grown = {
        "device_mib": (before[0] - after[0]) / 2**20,
        "session_bytes": after[1] - before[1],
        "process_mib": (after[2] - before[2]) / 1024,
    }
    holds = max(grown["device_mib"], grown["process_mib"]) <= SOAK_SLACK_MIB
    return {
        "frames": SOAK_FRAMES,
        "fps": round(SOAK_FRAMES / seconds, 1),
        "grown": grown,
        "holds": holds and grown["session_bytes"] == 0,
    }


def threads(place: Path) -> dict[str, Any]:
    """Two models in two threads, then two threads on one model: the results of one alone."""
    frames = [source_frame(size)[0] for size in ((480, 640), (333, 500))]
    failures: list[str] = []

    def work(model: Any, frame: np.ndarray, want: dict[str, Any]) -> None:
        for _ in range(THREAD_FRAMES):
            if model(frame).to_dict() != want:
                failures.append("a result differs")
                return

    with load(place) as one, load(place) as other, load(place, streams=2) as shared:
        wants = [one(frame).to_dict() for frame in frames]
        for models in ((one, other), (shared, shared)):
            running = [
                threading.Thread(target=work, args=(model, frame, want))
                for model, frame, want in zip(models, frames, wants, strict=True)
            ]
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()
    return {"failures": failures, "holds": not failures}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=PACK, help="folder or .tar.gz of gpu_pack")
    parser.add_argument("--only", nargs="*", default=[], help="networks, or network/precision")
    parser.add_argument("--flavour", default="tensorrt", choices=("tensorrt", "tensorrt-rtx"))
    given = parser.parse_args()
    here = devices()
    if not here:
        print("benchmarks.gpu: no NVIDIA GPU (or no driver) on this machine", file=sys.stderr)
        return 3
    found: dict[str, Any] = {"device": here[0].name, "capability": here[0].capability}
    found["state_before"], parts = gpu_state(), found.setdefault("parts", {})

    def part(name: str, work: Callable[[], dict[str, Any]]) -> None:
        try:
            parts[name] = work()
        except EdgecvError as err:
            parts[name] = {"holds": False, "error": str(err)}
        holds = all(row["holds"] for row in parts.values())
        print(f"{name}: {'holds' if parts[name]['holds'] else 'DOES NOT HOLD'}", flush=True)
        record("gpu", found, packages=("numpy", "pycuda", "tensorrt"), holds=holds)

    session = Session()
    part("letterbox", partial(letterbox_bits, session))
    part("dense_decoding", partial(dense_decoding, session))
    if here[0].integrated:
        with session.current():
            found["frame_placing"] = measure(session)
    session.close()
    found[given.flavour] = installed_version(given.flavour)
    if found[given.flavour] == "unknown":
        print(f"{given.flavour} is not installed: engines are left out", file=sys.stderr)
    else:
        engines(part, given)
    found["state_after"] = gpu_state()
    return 0 if all(row["holds"] for row in parts.values()) else 1


def unpacked(pack: Path, folder: Path) -> Path:
    """The folder of bundles: as given, or of the .tar.gz given or beside it."""
    beside = pack.with_name(f"{pack.name}.tar.gz")
    file = pack if pack.suffix == ".gz" else beside
    if pack.is_dir() or not file.is_file():
        return pack
    with tarfile.open(file) as tar:
        tar.extractall(folder, filter="data")
    return folder


def engines(part: Callable[[str, Callable[[], dict[str, Any]]], None], given: Any) -> None:
    """Everything that needs TensorRT and the pack."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        pack = unpacked(given.pack, scratch / "pack")
        bundles = sorted(pack.glob("*/*-onnxruntime"))
        if not bundles:
            print(f"no bundles in {pack}: python -m benchmarks.gpu_pack makes them where torch and "
                  "onnx are; engines are left out", file=sys.stderr)  # fmt: skip
        for bundle in bundles:
            name = f"{bundle.parent.name}/{bundle.name.partition('-')[0]}"
            if given.only and not {name, bundle.parent.name} & set(given.only):
                continue
            part(name, partial(engine, bundle, scratch / "built", given.flavour))
        built = scratch / "built" / "resnet-tiny" / "fp32-onnxruntime"
        if built.is_dir():
            part("soak", partial(soak, built))
            part("threads", partial(threads, built))


if __name__ == "__main__":
    sys.exit(main())
