"""Size, arithmetic, accuracy and latency of networks, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.errors import EdgecvError
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.recipe import Backend, Recipe
from edgecv.zoo.widths import sparsity

if TYPE_CHECKING:
    from torch import Tensor, nn


def macs_of(network: nn.Module, example: Tensor) -> int:
    """Multiply-accumulates of convolutions and matrix products for one input, zeros included."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(example)
    return int(counter.get_total_flops()) // 2


def describe(name: str, network: nn.Module, example: Tensor) -> dict[str, Any]:
    """`name`, `params`, `nonzero`, `macs` and the bytes of the weights as float32."""
    count = sum(p.numel() for p in network.parameters())
    weights = sum(p.numel() for p in network.parameters() if p.ndim > 1)
    return {
        "name": name,
        "params": count,
        "nonzero": count - round(sparsity(network) * weights),
        "macs": macs_of(network, example),
        "weight_bytes": 4 * count,
    }


def measure(
    recipe: Recipe, run: RunFolder, backend: Backend, *, sparse: bool = False
) -> dict[str, Any]:
    """Export, build in fp32, evaluate and time a trained network.

    Returns:
        `bundle`, `backend`, `engine_bytes`, `metric`, `accuracy`, `interval`, `n`, `p50_ms` of one
        frame end to end, `engine_ms`; or `not_measured` with the reason if the engine does not run
        here.
    """
    from edgecv.bench import bench
    from edgecv.build import build
    from edgecv.bundle import open_bundle
    from edgecv.evaluate import evaluate
    from edgecv.export import export

    export(recipe, run)
    if sparse:
        options = recipe.build.model_copy(update={"sparse": True})
        recipe = recipe.model_copy(update={"build": options})
    folder = build(recipe, run, "fp32", backend=backend)
    bundle = open_bundle(folder)
    row: dict[str, Any] = {
        "bundle": str(folder),
        "backend": bundle.manifest.backend,
        "engine_bytes": bundle.engine.stat().st_size,
    }
    try:
        accuracy = evaluate(folder)
        latency = bench(folder, recipe.bench)
    except EdgecvError as err:
        note(f"slim  {folder.name} is not measured: {err.what}")
        return {**row, "not_measured": err.what}
    return row | {
        "metric": accuracy["metric"],
        "accuracy": accuracy["value"],
        "interval": accuracy["interval"],
        "n": accuracy["n"],
        "p50_ms": latency["end_to_end"]["p50_ms"],
        "engine_ms": latency["stages"]["engine"]["p50_ms"],
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as text; a dash is what was not measured."""
    head = ["network", "params", "not 0", "MMACs", "file MB", "accuracy", "p50 ms", "engine ms"]
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    pairs = [
        [
            c.ljust(w) if i == 0 else c.rjust(w)
            for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join("  ".join(line).rstrip() for line in pairs)


def _cells(row: dict[str, Any]) -> list[str]:
    def number(key: str, scale: float, digits: int) -> str:
        value = row.get(key)
        return "-" if value is None else f"{value / scale:.{digits}f}"

    size = "file_bytes" if "file_bytes" in row else "weight_bytes"
    return [
        str(row["name"]),
        f"{row['params']:,}",
        f"{row['nonzero']:,}",
        number("macs", 1e6, 2),
        number(size, 1e6, 3),
        number("accuracy", 1, 4),
        number("p50_ms", 1, 3),
        number("engine_ms", 1, 3),
    ]


def same_backend(bundle: str) -> Backend:
    """The backend a bundle was built for."""
    from edgecv.bundle import open_bundle

    return open_bundle(Path(bundle)).manifest.backend
