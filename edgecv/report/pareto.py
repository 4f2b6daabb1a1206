"""The Pareto picture: accuracy over latency, one point a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgecv.errors import MissingPackage
from edgecv.report.rows import Row

COLOURS = {
    "fp32": "#4c78a8",
    "tf32": "#72b7b2",
    "fp16": "#f58518",
    "int8": "#54a24b",
    "mixed": "#b279a2",
}


def draw_pareto(rows: Sequence[Row], path: Path) -> None:
    """Write a PNG of the measured rows; error bars are 95 % intervals of the metric.

    Args:
        rows: Rows of `collect`; those without both a latency and an accuracy are left out, at
            least one must have both.
        path: The PNG to write.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    measured = [row for row in rows if row.value is not None and row.p50_ms is not None]
    try:
        from matplotlib.figure import Figure
    except ImportError as err:
        raise MissingPackage("matplotlib", "report", needed_for="the Pareto picture") from err

    runs = list(dict.fromkeys(row.run_id for row in measured))
    figure = Figure(figsize=(5.2 * len(runs), 4.0), dpi=150, layout="constrained")
    for index, run_id in enumerate(runs):
        axes = figure.add_subplot(1, len(runs), index + 1)
        _panel(axes, run_id, [row for row in measured if row.run_id == run_id])
    figure.savefig(path, format="png")


def _panel(axes: Any, run_id: str, rows: Sequence[Row]) -> None:
    front = sorted((r.p50_ms or 0.0, r.value or 0.0) for r in rows if r.front)
    axes.step(*zip(*front, strict=True), where="post", color="#bbbbbb", zorder=1)
    for row in rows:
        x, y = row.p50_ms or 0.0, row.value or 0.0
        low, high = row.interval or (y, y)
        bars = [[max(0.0, y - low)], [max(0.0, high - y)]]
        colour = COLOURS.get(row.precision, "#333333")
        axes.errorbar(x, y, yerr=bars, fmt="o", color=colour, capsize=3, zorder=2, label=row.name)
    axes.set_title(run_id, fontsize=10)
    axes.set_xlabel("end-to-end latency, median, ms")
    axes.set_ylabel(rows[0].metric or "accuracy")
    axes.set_xlim(0, 1.12 * max(row.p50_ms or 0.0 for row in rows))
    axes.margins(y=0.2)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize=8)
