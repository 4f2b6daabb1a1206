"""Measure activation ranges: images stream through the graph, only histograms stay."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from edgecv.calibrate.histogram import Histogram
from edgecv.calibrate.probe import Probe
from edgecv.calibrate.thresholds import error_ratio, threshold
from edgecv.errors import UnknownName, UnsupportedModel, UsageError
from edgecv.files import sha256_file
from edgecv.graph.placement import place
from edgecv.graph.read import load_graph
from edgecv.progress import note
from edgecv.ranges import Range, Ranges

Array = npt.NDArray[Any]
METHODS = ("minmax", "entropy", "percentile", "mse")
_BAD = 10  # times the least squared error; sound thresholds stay below 5 on the tiny recipes


def calibrate(
    model: Path,
    batches: Iterable[Array],
    method: str,
    *,
    percentile: float = 99.99,
    recipe_digest: str = "",
    threads: int = 0,
) -> Ranges:
    """Measure the range of every tensor that int8 quantises.

    One pass; memory does not grow with the number of images. The result does not depend on how
    the images are batched or ordered (but for `data_digest`).

    The image input keeps its full range whatever the method: pixels are bounded, and a clipped
    highlight is lost to every layer.

    Args:
        model: The fp32 ONNX file.
        batches: (B, C, H, W) float32 arrays, preprocessed; each is used once, as it comes.
        method: `minmax`, `entropy`, `percentile` or `mse`.
        percentile: For `percentile`: share of |values| kept, in percent.
        recipe_digest: Goes into the table.
        threads: ONNX Runtime's threads; 0: one a physical core.

    Returns:
        The table; nothing is written.

    Raises:
        UnknownName: no such method.
        UsageError: no images.
        FileError: the model is missing or broken.
        ShapeError: an image is not what the graph takes.
        UnsupportedModel: nothing in the graph can be quantised, ONNX Runtime refuses it, or an
            activation is not finite.
    """
    if method not in METHODS:
        raise UnknownName("calibration method", method, METHODS)
    graph, digest = load_graph(model), sha256_file(model)
    tensors = quantised_tensors(graph, model)
    probe = Probe(graph, tensors, threads=threads)
    del graph
    histograms = {name: Histogram(counting=method != "minmax") for name in tensors}
    images, data_digest = _stream(probe, batches, histograms)
    ranges = {
        name: _range(histogram, "minmax" if name == probe.image else method, percentile)
        for name, histogram in histograms.items()
    }
    if method in ("entropy", "percentile"):
        _warn_of_clipping(method, ranges, histograms)
    return Ranges(
        method=method,  # type: ignore[arg-type]
        images=images,
        model_digest=digest,
        data_digest=data_digest,
        recipe_digest=recipe_digest,
        tensors=ranges,
    )


def quantised_tensors(graph: ModelProto, path: Path) -> tuple[str, ...]:
    """What int8 quantises in a graph; `path` is for the error."""
    placement = place(graph)
    if not placement.tensors:
        raise UnsupportedModel(
            "the graph holds nothing that int8 could quantise",
            file=path,
            left_in_float=len(placement.kept),
            fix="edgecv build RECIPE --precision fp16",
        )
    return placement.tensors


def _stream(
    probe: Probe, batches: Iterable[Array], histograms: dict[str, Histogram]
) -> tuple[int, str]:
    """Fill the histograms; returns the number of images and the digest of what was fed."""
    seen, hashed = 0, hashlib.sha256()
    for batch in batches:
        for piece, outputs in probe.run(np.ascontiguousarray(batch)):
            hashed.update(f"{piece.shape[1:]}".encode())
            hashed.update(piece.data)
            _count(histograms, probe.image, piece, seen)
            for name, values in zip(probe.names, outputs, strict=True):
                _count(histograms, name, values, seen)
            seen += len(piece)
    if not seen:
        raise UsageError("calibration needs at least one image", fix="--images 64, or --data DIR")
    return seen, hashed.hexdigest()


def _count(histograms: dict[str, Histogram], name: str, values: Array, seen: int) -> None:
    if name in histograms and not histograms[name].add(values):
        bad = ~np.isfinite(values)
        raise UnsupportedModel(
            "a tensor holds NaN or infinity on a calibration image",
            tensor=name,
            image=seen + int(np.argwhere(bad)[0][0]),
            values=f"{int(bad.sum())} of {bad.size}",
            fix="check the weights, and input.mean and input.std of the recipe",
        )


def _range(histogram: Histogram, method: str, percentile: float) -> Range:
    amax = threshold(histogram, method, percentile)
    return Range(amax=amax, low=histogram.low, high=histogram.high)


def _warn_of_clipping(
    method: str, ranges: dict[str, Range], histograms: dict[str, Histogram]
) -> None:
    """Say where a method clips what matters: entropy does where many values are the same one."""
    ratios = {
        name: error_ratio(histograms[name], found.amax)
        for name, found in ranges.items()
        if found.amax > 0
    }
    bad = sorted((name for name in ratios if ratios[name] >= _BAD), key=lambda n: -ratios[n])
    if bad:
        worst = bad[0]
        note(
            f"calibrate: {method} clips {len(bad)} of {len(ranges)} tensors too low, {worst} at "
            f"{ranges[worst].amax:.3g} of {histograms[worst].amax:.3g}: {ratios[worst]:.0f} times "
            "the squared error of the best threshold; --method mse takes that one"
        )
