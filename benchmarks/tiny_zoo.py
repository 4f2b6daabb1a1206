"""Every tiny recipe: trained, and what fp16 and int8 cost it on two engines.

    python -m benchmarks.tiny_zoo [--only NAME ...] [--runs runs] [--out docs/tiny.md]

Limits, for each recipe of a classifier: top-1 >= 0.95 on 4,000 held-out samples in fp32, and int8
within 0.5 points of it on both engines. What is trained in RUNS is not trained again. What
is done is kept in results/tiny_zoo.json: a killed run goes on where it was, and `--only` does its
recipes anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.record import RESULTS, record
from edgecv.build import build
from edgecv.calibrate import METHODS, calibrate_recipe
from edgecv.errors import GateFailed
from edgecv.evaluate import evaluate
from edgecv.export import export
from edgecv.files import read_json, write_text
from edgecv.pipeline import RunFolder, run_folder
from edgecv.recipe import Recipe, find_recipe, load_recipe
from edgecv.train import train
from edgecv.zoo.registry import create, variants

LEARNED, LOST = 0.95, 0.005
BACKENDS = ("openvino", "onnxruntime")
PACKAGES = ("torch", "onnx", "onnxruntime", "openvino", "scikit-learn")
SHOWN = ("mse", "minmax", "percentile", "entropy")
PRECISIONS = ("fp32", "fp16", "int8")

HEADER = """# What the tiny recipes learn, and what int8 costs them

Written by `python -m benchmarks.tiny_zoo`. Each recipe of a classifier in `recipes/tiny` trains a
slim form of its architecture on scikit-learn's handwritten digits, enlarged by seeded warps; 4,000
samples drawn from digits held out of training judge it. Differences are in points of top-1 against
the same engine's fp32 on the same samples, with their 95 % interval; the limit is half a point.

| recipe | parameters | trained, s | top-1, fp32 | OpenVINO: fp16, int8 | ONNX Runtime: fp16, int8 |
|---|---|---|---|---|---|"""

METHODS_HEADER = """
## Calibration methods

The same networks in int8 on OpenVINO, by how the clipping thresholds are chosen; the recipes say
`mse`. Points of top-1 against fp32. `entropy` (the rule of TensorRT's calibrator) clips where
one value makes a large part of an activation, as a flat background does in these pictures and a
SELU at its lower bound; `edgecv calibrate` says so when it happens.

| recipe | mse | minmax | percentile 99.99 | entropy |
|---|---|---|---|---|"""


def judge(name: str, runs: Path) -> dict[str, Any]:
    """One recipe from training to accuracy.

    Args:
        name: `tiny/NAME`.
        runs: Root of the run folders.

    Returns:
        `params`, `trained_s`, `methods` (int8 by the other calibrations: as a backend's int8),
        and backend -> precision -> `top1`, `samples`, `delta` (against that backend's fp32) and
        `interval` of the delta; the text of a golden gate that failed stands in place of them.
    """
    path = find_recipe(Path(name))
    recipe, run = load_recipe(path), run_folder(runs, path)
    train(recipe, run, resume=run.checkpoint.exists())
    export(recipe, run)
    row: dict[str, Any] = {"params": _parameters(recipe), "trained_s": _seconds(recipe, run)}
    build(recipe, run, "fp32", backend=BACKENDS[0])
    row["methods"] = {m: _by_method(path, run, m) for m in METHODS if m != recipe.calibrate.method}
    calibrate_recipe(recipe, run)
    for backend in BACKENDS:
        row[backend] = {p: _accuracy(recipe, run, p, backend) for p in PRECISIONS}
    return row


def _parameters(recipe: Recipe) -> int:
    with torch.device("meta"):
        network = create(recipe.arch.name, **recipe.arch.args)  # type: ignore[union-attr]
    return sum(parameter.numel() for parameter in network.parameters())


def _seconds(recipe: Recipe, run: RunFolder) -> float:
    """How long training took, from the mean rate that its journal ends with."""
    last: dict[str, float] = json.loads((run.path / "train.jsonl").read_text().splitlines()[-1])
    images = last["step"] * recipe.train.batch  # type: ignore[union-attr]
    return round(images / last["images_per_s"], 1)


def _by_method(path: Path, run: RunFolder, method: str) -> dict[str, Any] | str:
    """int8 on the first engine, calibrated another way than the recipe says."""
    recipe = load_recipe(path, [f"calibrate.method={method}"])
    calibrate_recipe(recipe, run)
    return _accuracy(recipe, run, "int8", BACKENDS[0], f"int8-{BACKENDS[0]}-{method}")


def _accuracy(
    recipe: Recipe, run: RunFolder, precision: Any, backend: str, name: str = ""
) -> dict[str, Any] | str:
    out = run.path / name if name else None
    try:
        bundle = build(recipe, run, precision, backend=backend, out=out)
    except GateFailed as err:
        return err.what
    reference = None if precision == "fp32" else run.bundle("fp32", backend)
    found = evaluate(bundle, reference=reference)
    against = found["reference"] or {"delta": None, "delta_interval": None}
    return {
        "top1": found["value"],
        "samples": found["n"],
        "delta": against["delta"],
        "interval": against["delta_interval"],
    }


def holds(row: dict[str, Any]) -> bool:
    """Whether one recipe keeps both limits on both engines."""
    for backend in BACKENDS:
        full, int8 = row[backend]["fp32"], row[backend]["int8"]
        if isinstance(full, str) or isinstance(int8, str):
            return False
        if full["top1"] < LEARNED or int8["delta"] < -LOST:
            return False
    return True


def table(rows: dict[str, dict[str, Any]]) -> str:
    """docs/tiny.md."""
    lines = HEADER.splitlines()
    for name, row in rows.items():
        full = row["openvino"]["fp32"]
        cells = [", ".join(_cell(row[b][p]) for p in PRECISIONS[1:]) for b in BACKENDS]
        top = full if isinstance(full, str) else f"{full['top1']:.4f}"
        lines.append(
            f"| {name} | {row['params']:,} | {row['trained_s']:.0f} | {top} | {' | '.join(cells)} |"
        )
    lines += METHODS_HEADER.splitlines()
    for name, row in rows.items():
        cells = [row["methods"].get(method, row[BACKENDS[0]]["int8"]) for method in SHOWN]
        lines.append(f"| {name} | {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _cell(value: dict[str, Any] | str) -> str:
    if isinstance(value, str):
        return f"**no**: {value}"
    low, high = (100 * end for end in value["interval"])
    return f"{100 * value['delta']:+.2f} [{low:+.2f}, {high:+.2f}]"


def recipes() -> list[str]:
    """Names of the classifiers' tiny recipes."""
    found = {info.recipe for info in variants().values() if info.task == "classify"}
    return sorted(name for name in found if name.startswith("tiny/"))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="such as tiny/vgg")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("docs/tiny.md"))
    arguments = parser.parse_args(argv)
    file = RESULTS / "tiny_zoo.json"
    rows = read_json(file, "results")["rows"] if file.exists() else {}
    for name in recipes():
        if name not in arguments.only if arguments.only else name in rows:
            continue
        rows[name] = judge(name, arguments.runs)
        print(name, rows[name], flush=True)
        rows = {name: rows[name] for name in recipes() if name in rows}
        limits = {"top1_at_least": LEARNED, "int8_loses_at_most": LOST}
        ok = all(holds(row) for row in rows.values())
        record("tiny_zoo", {"limits": limits, "rows": rows}, packages=PACKAGES, holds=ok)
        write_text(arguments.out, table(rows))


if __name__ == "__main__":
    main()
