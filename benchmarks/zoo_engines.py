"""Every architecture of the zoo as an engine of three backends in three precisions.

    python -m benchmarks.zoo_engines [--only NAME ...] [--out docs/support.md]     (make full-check)

Weights are drawn from the keys' names (`tests/zoo/named_weights.py`), so nothing is downloaded. A
network is exported, its ranges are measured on seeded noise, and it is typed and built in fp32,
fp16 and int8; ONNX Runtime and OpenVINO run it and are compared with torch, TensorRT-RTX builds for
sm86 and tells its layers. What is done is kept in results/zoo_engines.json: a killed run goes on
where it was.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import machine
from edgecv.build.precision import type_model
from edgecv.calibrate import calibrate
from edgecv.engines import build_engine, load_engine
from edgecv.errors import EdgecvError
from edgecv.export.trace import Trace, trace
from edgecv.files import read_json, write_json, write_text
from edgecv.graph.adopt import infer, name_nodes
from edgecv.graph.read import save_graph
from edgecv.graph.simplify import simplify
from edgecv.recipe import Build, find_recipe, load_recipe
from edgecv.zoo.registry import create, variants
from tests.zoo.named_weights import named_weights

PRECISIONS = ("fp32", "fp16", "int8")
_HALF = 65_504  # the largest float16
CPU = ("onnxruntime", "openvino")
RESULTS = Path(__file__).parent / "results" / "zoo_engines.json"


HEADER = """# What was built

Written by `make full-check`: every variant with weights drawn at random, its published input size
and ten classes, exported, typed and built in three precisions. ONNX Runtime and OpenVINO also ran
it; the number is the distance from torch relative to the length of its outputs. TensorRT-RTX 1.7
built for sm86 without a GPU; for int8 it is said how many of its layers run in int8, and how many
convolutions and dense layers were asked for it. Where drawn weights drive torch itself beyond what
float16 can hold, batch normalisations take the statistics of the inputs first; "overflow": it does
so all the same.
Random weights tell nothing about accuracy, and the deepest networks amplify every rounding through
them: compare the columns of a row, not the rows. **Bold**: more than five times as far from torch
as the other engine, on the same graph. In int8 that is a defect of OpenVINO 2026.4.1 on CPUs with
AMX (grouped 1x1 convolutions of 68, 72, 96 or 136 channels a group); `edgecv build` compares every
engine with ONNX Runtime and refuses such a bundle.

| variant | parameters | fp32: ORT, OpenVINO, RTX | fp16 | int8 | RTX int8 layers / asked |
|---|---|---|---|---|---|"""


def check(name: str, size: tuple[int, int], folder: Path, *, classes: int = 10) -> dict[str, Any]:
    """Build one variant everywhere.

    Args:
        name: A variant of the zoo.
        size: (height, width) of its input.
        folder: For the files; nothing is left elsewhere.
        classes: Of its head.

    Returns:
        `params`, `quantized` (convolutions and dense layers asked for int8), `small_gates` (see
        below), `distinct` (different values among torch's outputs), `largest` (|x| in torch), and
        for each precision: backend -> distance from torch relative to the length of its outputs,
        and `rtx` -> layers by precision; an error's text stands where something failed.
    """
    network = create(name, classes=classes).eval()
    network.load_state_dict(named_weights({k: v.shape for k, v in network.state_dict().items()}))
    noise = np.random.default_rng(3).standard_normal((5, 3, *size), dtype=np.float32)
    outputs, largest = _forward(network, torch.from_numpy(noise[:1]))
    if largest > _HALF:
        _settle(network, torch.from_numpy(noise))
        outputs, largest = _forward(network, torch.from_numpy(noise[:1]))
    want = {role: value.numpy() for role, value in outputs.items()}
    names = {role: role for role in want}
    model = trace(network, Trace(names, (3, *size), (1, 1, 1), 20))
    model = infer(simplify(model, "onnxslim").model)
    name_nodes(model)
    file = save_graph(model, folder / "model.onnx")
    ranges = calibrate(file, list(noise[:, None]), "minmax")
    row: dict[str, Any] = {
        "params": sum(p.numel() for p in network.parameters()),
        "distinct": min(len(np.unique(value)) for value in want.values()),
        "small_gates": _small_gates(network),
        "largest": largest,
    }
    with ThreadPoolExecutor(1) as pool:  # TensorRT-RTX builds in a child process meanwhile
        jobs = {}
        for precision in PRECISIONS:
            typed = type_model(model, precision, ranges=ranges if precision == "int8" else None)
            save_graph(typed.model, folder / f"{precision}.onnx")
            if precision == "int8":
                row["quantized"] = len(typed.quantized)
                row["kept"] = dict(typed.kept)
            jobs[precision] = pool.submit(_layers, precision, folder)
            row[precision] = {
                backend: _distance(backend, precision, folder, noise[:1], want) for backend in CPU
            }
        for precision, job in jobs.items():
            row[precision]["rtx"] = job.result()
    return row


def _forward(network: torch.nn.Module, image: torch.Tensor) -> tuple[dict[str, Any], float]:
    """The outputs, and the largest |x| that any layer made."""
    largest = 0.0

    def watch(_layer: object, _inputs: object, output: Any) -> None:
        nonlocal largest
        if isinstance(output, torch.Tensor):
            largest = max(largest, float(output.abs().max()))

    handles = [module.register_forward_hook(watch) for module in network.modules()]
    with torch.no_grad():
        outputs = network(image)
    for handle in handles:
        handle.remove()
    return outputs, largest


def _settle(network: torch.nn.Module, images: torch.Tensor) -> None:
    """Give every batch normalisation the statistics of these images, as training would."""
    torch.manual_seed(0)  # dropout
    layers = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    kept = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 1.0  # the running statistics are the last batch's
    network.train()
    with torch.no_grad():
        network(images)
    network.eval()
    for layer, momentum in zip(layers, kept, strict=True):
        layer.momentum = momentum


def _small_gates(network: torch.nn.Module) -> int:
    """1x1 convolutions of fewer than 8 channels: TensorRT-RTX fuses them into what follows."""
    return sum(
        isinstance(m, torch.nn.Conv2d) and m.kernel_size == (1, 1) and m.in_channels < 8
        for m in network.modules()
    )


def _build(backend: str, precision: str, folder: Path) -> Any:
    place = folder / f"{precision}-{backend}"
    place.mkdir()
    options = Build(precision=precision, targets=("sm86",))  # type: ignore[arg-type]
    return build_engine(backend, folder / f"{precision}.onnx", place, options)


def _layers(precision: str, folder: Path) -> dict[str, int] | str:
    try:
        built = _build("tensorrt-rtx", precision, folder)
    except EdgecvError as err:
        return f"{err.what}"
    counts: dict[str, int] = {}
    for layer in built.layers:
        counts[layer.precision] = counts.get(layer.precision, 0) + 1
    return counts


def _distance(
    backend: str, precision: str, folder: Path, image: np.ndarray, want: dict[str, np.ndarray]
) -> float | str:
    try:
        built = _build(backend, precision, folder)
        file = folder / f"{precision}-{backend}" / built.engine
        engine = load_engine(backend, file, precision=precision)
    except EdgecvError as err:
        return f"{err.what}"
    found = engine.execute({"images": image})
    engine.close()
    if not all(np.isfinite(found[role]).all() for role in want):
        return "not finite"
    gap = sum(float(np.square(found[role] - want[role]).sum()) for role in want)
    return float((gap / sum(float(np.square(value).sum()) for value in want.values())) ** 0.5)


def table(rows: dict[str, dict[str, Any]]) -> str:
    """docs/support.md."""
    lines = [*HEADER.splitlines()]
    for name, row in rows.items():
        cells = [", ".join(_cell(row, p, backend) for backend in (*CPU, "rtx")) for p in PRECISIONS]
        rtx = row["int8"]["rtx"]
        int8 = rtx.get("int8", 0) if isinstance(rtx, dict) else "-"
        lines.append(
            f"| {name} | {row['params']:,} | {' | '.join(cells)} | {int8} / {row['quantized']} |"
        )
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any], precision: str, backend: str) -> str:
    value = row[precision][backend]
    if isinstance(value, dict):
        return "built"
    if value == "not finite" and precision == "fp16" and row["largest"] > _HALF:
        return "overflow"
    if not isinstance(value, float):
        return f"**no**: {value}"
    others = [row[precision][other] for other in CPU if other != backend]
    alone = value > 0.1 and all(isinstance(o, float) and value > 5 * o for o in others)
    return f"**{value:.0e}**" if alone else f"{value:.0e}"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=Path("docs/support.md"))
    arguments = parser.parse_args(argv)
    record = read_json(RESULTS, "results") if RESULTS.exists() else {"rows": {}}
    record["machine"] = machine()
    for name, info in variants().items():
        if (arguments.only and name not in arguments.only) or name in record["rows"]:
            continue
        size = tuple(load_recipe(find_recipe(Path(info.recipe))).input.size)
        with tempfile.TemporaryDirectory() as folder:
            record["rows"][name] = check(name, size, Path(folder))  # type: ignore[arg-type]
        print(name, record["rows"][name], flush=True)
        write_json(RESULTS, record)
    order = [name for name in variants() if name in record["rows"]]
    write_text(arguments.out, table({name: record["rows"][name] for name in order}))


if __name__ == "__main__":
    main()
