"""One row a bundle: what it is, how accurate, how fast, how large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgecv.bundle import Bundle, Manifest, open_bundle
from edgecv.errors import FileError
from edgecv.files import read_json
from edgecv.progress import note

_COSTLY = 5  # nodes of an int8 graph that the page shows
NOT_MEASURED = "a dash: not measured (evaluate and bench do, on a machine that runs the engine)"


class Row(NamedTuple):
    """What the report says of one bundle; None where nothing was measured.

    Attributes:
        run_id: The run the bundle belongs to.
        title: What the recipe calls the model; may be empty.
        name: Folder name of the bundle.
        precision: Precision asked.
        backend: Engine family and version.
        achieved: Runtime precision -> number of engine layers, read from the engine.
        metric: Name of the accuracy metric.
        value: Its value, a fraction in 0..1.
        interval: 95 % confidence interval of `value`.
        n: Images it was measured on.
        delta: Difference from the fp32 bundle on the same images.
        delta_interval: 95 % confidence interval of `delta`.
        p50_ms: Median end-to-end latency of one frame, milliseconds.
        p90_ms: 90th percentile of the same.
        engine_ms: Median of the engine alone.
        fps: Throughput, frames a second.
        engine_mb: Size of the engine file, megabytes (10^6 bytes).
        front: No other row of the run is both faster and more accurate.
        conditions: Under which the latency was measured.
        stages: Stage name -> median milliseconds.
    """

    run_id: str
    title: str
    name: str
    precision: str
    backend: str
    achieved: dict[str, int]
    metric: str | None
    value: float | None
    interval: tuple[float, float] | None
    n: int | None
    delta: float | None
    delta_interval: tuple[float, float] | None
    p50_ms: float | None
    p90_ms: float | None
    engine_ms: float | None
    fps: float | None
    engine_mb: float
    front: bool
    conditions: dict[str, Any]
    stages: dict[str, float]
    confusion: Sequence[Sequence[int]] = ()  # rows are true classes; empty where there is none
    classes: Sequence[str] = ()  # their names
    sqnr_db: float | None = None  # of an int8 bundle's outputs, if `compare --costs` measured it
    costs: Sequence[dict[str, Any]] = ()  # node, op, sqnr_db, gain_db: the dearest first


def folders(paths: Sequence[Path]) -> list[Path]:
    """Those of `paths` that are no plain files: `runs/*/*-*` finds pictures among the bundles."""
    files = [path for path in paths if path.is_file()]
    if files:
        note(f"report: left out, since a bundle is a folder: {', '.join(map(str, files))}")
    return [path for path in paths if path not in files]


def collect(bundles: Sequence[Path]) -> list[Row]:
    """Read the rows of `bundles`, in the order given, and mark each run's Pareto front.

    Raises:
        FileError: a bundle, its accuracy.json or its latency.json is broken.
    """
    rows = [_row(open_bundle(folder)) for folder in bundles]
    return [row._replace(front=_on_front(row, rows)) for row in rows]


def table(rows: Sequence[Row]) -> str:
    """The rows as a plain-text table: precision x latency x accuracy x size."""
    head = ["run", "bundle", "p50 ms", "p90 ms", "engine ms", "accuracy", "delta", "MB"]
    body = [_cells(row) for row in rows]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *body]
    text = "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    gaps = any(row.p50_ms is None or row.value is None for row in rows)
    return f"{text}\n{NOT_MEASURED}" if gaps else text


def _accuracy_text(row: Row) -> str:
    """`mAP@0.5 0.912 [0.903, 0.921] n=512`, or a dash."""
    if row.value is None:
        return "-"
    text = f"{row.metric} {row.value:.4f}"
    if row.interval:
        text += f" [{row.interval[0]:.3f}, {row.interval[1]:.3f}]"
    return f"{text} n={row.n}"


def _delta_text(row: Row) -> str:
    """`-0.0021 [-0.005, 0.001]`, or a dash."""
    if row.delta is None:
        return "-"
    text = f"{row.delta:+.4f}"
    if row.delta_interval:
        text += f" [{row.delta_interval[0]:+.3f}, {row.delta_interval[1]:+.3f}]"
    return text


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash for what was not measured."""
    return "-" if value is None else f"{value:.{digits}f}"


def _cells(row: Row) -> list[str]:
    return [
        row.run_id,
        row.name,
        number(row.p50_ms),
        number(row.p90_ms),
        number(row.engine_ms),
        _accuracy_text(row),
        _delta_text(row),
        number(row.engine_mb),
    ]


def _row(bundle: Bundle) -> Row:
    manifest: Manifest = bundle.manifest
    accuracy = _optional(bundle, "accuracy.json")
    latency = _optional(bundle, "latency.json")
    costs = _optional(bundle, "costs.json")
    reference = accuracy.get("reference") or {}
    total = latency.get("end_to_end") or {}
    stages = {
        name: float(times["p50_ms"])
        for name, times in (latency.get("stages") or {}).items()
        if times and times.get("p50_ms") is not None
    }
    try:
        return Row(
            run_id=manifest.run_id,
            title=manifest.report.title,
            name=bundle.folder.resolve().name,
            precision=manifest.precision.asked,
            backend=f"{manifest.backend} {manifest.backend_version}",
            achieved=manifest.precision.achieved,
            metric=accuracy.get("metric"),
            value=_finite(accuracy.get("value")),
            interval=_pair(accuracy.get("interval")),
            n=accuracy.get("n"),
            delta=_finite(reference.get("delta")),
            delta_interval=_pair(reference.get("delta_interval")),
            p50_ms=_finite(total.get("p50_ms")),
            p90_ms=_finite(total.get("p90_ms")),
            engine_ms=stages.get("engine"),
            fps=_finite(latency.get("throughput_fps")),
            engine_mb=bundle.engine.stat().st_size / 1e6,
            front=False,
            conditions=latency.get("conditions") or {},
            stages=stages,
            confusion=[[int(count) for count in line] for line in accuracy.get("confusion") or ()],
            classes=[str(line["name"]) for line in accuracy.get("per_class") or ()],
            sqnr_db=_finite(costs.get("sqnr_db")),
            costs=[_cost(node) for node in costs.get("nodes") or ()][:_COSTLY],
        )
    except (TypeError, ValueError, KeyError) as err:
        raise FileError(
            "measurements of a bundle do not fit their schema",
            bundle=bundle.folder,
            problem=err,
            fix=f"edgecv bench {bundle.folder}",
        ) from err


def _cost(node: dict[str, Any]) -> dict[str, Any]:
    numbers = {key: float(node[key]) for key in ("sqnr_db", "gain_db")}
    return {"node": str(node["node"]), "op": str(node["op"]), **numbers}


def _optional(bundle: Bundle, name: str) -> dict[str, Any]:
    path = bundle.path(name)
    value = read_json(path, name) if path.exists() else {}
    if not isinstance(value, dict):
        raise FileError(f"{name} must be a JSON object", file=path)
    return value


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(float(value)) else None


def _pair(value: Any) -> tuple[float, float] | None:
    return (float(value[0]), float(value[1])) if value else None


def _on_front(row: Row, rows: Sequence[Row]) -> bool:
    if row.value is None or row.p50_ms is None:
        return False
    for other in rows:
        if other.run_id != row.run_id or other.value is None or other.p50_ms is None:
            continue
        no_worse = other.value >= row.value and other.p50_ms <= row.p50_ms
        if no_worse and (other.value, other.p50_ms) != (row.value, row.p50_ms):
            return False
    return True
