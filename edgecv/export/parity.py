"""Does the exported graph compute what it came from? Measured, per output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import UnsupportedModel
from edgecv.export.record import Arrays, Gap, Source, sizes
from edgecv.graph.parity import Reference, difference
from edgecv.graph.read import tensors


def measure(source: Source, images: npt.NDArray[Any], batches: tuple[int, int, int]) -> list[Gap]:
    """The worst difference of each output over all images, at the smallest and largest batch.

    Args:
        source: Graph and reference.
        images: (N, C, H, W) float32.
        batches: (min, opt, max) batch sizes of the graph.

    Raises:
        UnsupportedModel: ONNX Runtime cannot run the graph, or an output has no batch dimension.
    """
    name = tensors(source.model)[0][0].name
    run = Reference(source.model)
    expected = source.reference(images)
    worst: dict[str, Gap] = {}
    for size in sizes(batches):
        found = in_batches(lambda part: run({name: part}), images, size)
        for key in expected:
            gap = Gap(key, *difference(found[key], expected[key]))
            if key not in worst or not gap.relative <= worst[key].relative:
                worst[key] = gap
    return list(worst.values())


def in_batches(
    run: Callable[[npt.NDArray[Any]], Arrays], images: npt.NDArray[Any], size: int
) -> Arrays:
    """Outputs of (N, C, H, W) images through a network that takes `size` of them at a time.

    The last batch is filled up with images from the front; their outputs are dropped.

    Raises:
        UnsupportedModel: an output's first dimension is not the batch.
    """
    count = len(images)
    padded = images[np.arange(-(-count // size) * size) % count]
    parts = [run(padded[at : at + size]) for at in range(0, len(padded), size)]
    for key, value in parts[0].items():
        if value.ndim == 0 or value.shape[0] != size:
            raise UnsupportedModel(
                "the graph has an output without a batch dimension",
                output=key,
                shape=value.shape,
                batch=size,
            )
    return {key: np.concatenate([part[key] for part in parts])[:count] for key in parts[0]}
