"""Trained tiny networks made smaller three ways, and what each costs.

    python -m benchmarks.slim_table [--only NAME ...] [--runs runs] [--out docs/smaller.md]

Half of the filters by their L2 norm, 2:4 sparsity, and Deep Compression of the networks in
`runs/tiny-*` (one that is not there is trained first); each retrained for half of its recipe's
steps, built in fp32, judged on the recipe's held-out samples and timed. What is done is kept in
results/slim.json: a killed run goes on where it was, and `--only` does its recipes anew. The table
replaces what stands between two marks in `--out`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS, record
from edgecv.errors import UsageError
from edgecv.files import read_json, read_text, write_text
from edgecv.pipeline import run_folder
from edgecv.recipe import Backend, find_recipe, load_recipe
from edgecv.slim.compress import Compression, compress
from edgecv.slim.prune import Pruning, prune
from edgecv.train import train

NAMES = ("tiny/vgg", "tiny/resnet", "tiny/densenet", "tiny/mobilenet_v1", "tiny/shufflenet_v2")
WAYS = {
    "l2-50": "half of the filters",
    "24": "2:4",
    "compact": "Deep Compression",
}
PACKAGES = ("torch", "torch-pruning", "onnx", "onnxruntime", "openvino", "scikit-learn")
MARKS = (
    "<!-- slim_table: written by python -m benchmarks.slim_table -->",
    "<!-- slim_table end -->",
)
HEADER = """
## What it costs

The tiny recipes, retrained for half of their steps and judged on 4,000 held-out samples. The file
is the weights as float32, or the compact file. Times are medians of one engine in fp32 on a CPU
that knows nothing of zeros, beside those of the full network measured in the same call
(`benchmarks/results/slim.json` says which machine).

| recipe | | weights not 0 | million multiply-adds | file, kB | top-1 | points lost | engine, ms |
|---|---|---|---|---|---|---|---|"""


def judge(name: str, runs: Path, *, steps: int, backend: Backend) -> dict[str, dict[str, Any]]:
    """One trained network, and what each way leaves of it.

    Args:
        name: `tiny/NAME`.
        runs: Root of the run folders; the slim recipes go to `runs/slim`.
        steps: Of retraining; 0: half of the recipe's.
        backend: Which engine measures.

    Returns:
        `full` and the keys of WAYS -> a row of `edgecv.slim.measure`, `full` as it was measured
        beside the last of them; the others have `full_engine_ms`, measured beside them.
    """
    path = find_recipe(Path(name))
    recipe, run = load_recipe(path), run_folder(runs, path)
    train(recipe, run, resume=run.checkpoint.exists())
    found: dict[str, dict[str, Any]] = {}
    for way in WAYS:
        out = runs / "slim" / f"{run.run_id}-{way}.yaml"
        if way == "compact":
            done = compress(recipe, run, Compression(steps=steps, backend=backend), out)
        else:
            by = "2:4" if way == "24" else "l2"
            done = prune(recipe, run, Pruning(by, steps=steps, backend=backend), out)
        full, after = done["rows"]
        found |= {"full": full, way: after | {"full_engine_ms": full.get("engine_ms")}}
    return {way: _numbers(found[way]) for way in ("full", *WAYS)}


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without what names folders of this machine."""
    return {key: value for key, value in row.items() if key not in ("name", "bundle")}


def table(rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The rows as Markdown."""
    lines = [HEADER]
    for name, ways in rows.items():
        full = ways["full"]
        for way, row in ways.items():
            first = way == "full"
            cells = [
                name.removeprefix("tiny/") if first else "",
                "as trained" if first else WAYS[way],
                f"{row['nonzero']:,}",
                f"{row['macs'] / 1e6:.2f}",
                f"{row.get('file_bytes', row['weight_bytes']) / 1e3:.0f}",
                f"{row['accuracy']:.4f}",
                "" if first else f"{100 * (full['accuracy'] - row['accuracy']):+.2f}",
                f"{row['engine_ms']:.3f}" + ("" if first else f" of {row['full_engine_ms']:.3f}"),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def insert(page: Path, text: str) -> None:
    """Put the table between the marks of a page.

    Raises:
        UsageError: the page lacks them.
    """
    content = read_text(page, "page")
    before, first, rest = content.partition(MARKS[0])
    _, last, after = rest.partition(MARKS[1])
    if not (first and last):
        raise UsageError("the page has no place for the table", page=page, marks=" … ".join(MARKS))
    write_text(page, f"{before}{first}\n{text}\n{last}{after}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="such as tiny/vgg")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("docs/smaller.md"))
    parser.add_argument("--steps", type=int, default=0, help="of retraining, to try this script")
    parser.add_argument("--backend", default="onnxruntime")
    arguments = parser.parse_args(argv)
    file = RESULTS / "slim.json"
    rows = read_json(file, "results")["rows"] if file.exists() else {}
    for name in NAMES:
        if name not in arguments.only if arguments.only else name in rows:
            continue
        rows[name] = judge(name, arguments.runs, steps=arguments.steps, backend=arguments.backend)
        rows = {known: rows[known] for known in NAMES if known in rows}
        record("slim", {"rows": rows, "backend": arguments.backend}, packages=PACKAGES)
        insert(arguments.out, table(rows))


if __name__ == "__main__":
    main()
