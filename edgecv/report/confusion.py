"""The confusion matrix of a classifier as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import MissingPackage, ShapeError

_WRITTEN = 20  # with more classes the counts would not be readable


def draw_confusion(
    matrix: Sequence[Sequence[int]] | npt.NDArray[Any],
    names: Sequence[str],
    path: Path,
    *,
    title: str = "",
) -> None:
    """Write a PNG: a row a true class, a column a predicted one, shaded by the share of its row.

    Args:
        matrix: (C, C) counts; a class that was never shown has a row of zeros and stays white.
        names: C class names.
        path: The PNG to write.
        title: Written above.

    Raises:
        ShapeError: the matrix is not square, or has another number of classes than names.
        MissingPackage: matplotlib is not installed.
    """
    counts = np.asarray(matrix, np.int64)
    if counts.ndim != 2 or counts.shape != (len(names), len(names)) or not names:
        raise ShapeError(
            "a confusion matrix is square, with a name a class",
            matrix=counts.shape,
            names=len(names),
        )
    try:
        from matplotlib.figure import Figure
    except ImportError as err:
        raise MissingPackage("matplotlib", "report", needed_for="the confusion picture") from err

    shown = counts.sum(1, keepdims=True)
    share = counts / np.maximum(shown, 1)
    side = min(12.0, 2.0 + 0.38 * len(names))
    figure = Figure(figsize=(side, side), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= _WRITTEN:
        _write_counts(axes, counts, share)
    ticks = range(len(names)) if len(names) <= 4 * _WRITTEN else range(0, len(names), 10)
    axes.set_xticks(list(ticks), [names[i] for i in ticks], rotation=90, fontsize=8)
    axes.set_yticks(list(ticks), [names[i] for i in ticks], fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title, fontsize=10)
    figure.savefig(path, format="png")


def _write_counts(axes: Any, counts: npt.NDArray[Any], share: npt.NDArray[Any]) -> None:
    for i, j in np.argwhere(counts > 0):
        colour = "white" if share[i, j] > 0.5 else "#333333"
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=7, color=colour)
