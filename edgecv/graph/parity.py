"""Do two graphs compute the same? ONNX Runtime answers, on the same inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx

from edgecv.bundle import Tensor
from edgecv.errors import MissingPackage, UnsupportedModel
from edgecv.graph.read import tensors
from edgecv.graph.reason import reason

Arrays = Mapping[str, np.ndarray]


class Difference(NamedTuple):
    """How far one output lies from its reference.

    Attributes:
        absolute: max |a - b|.
        relative: max |a - b| / max |b|; the absolute one where b is all zero.
    """

    absolute: float
    relative: float


_INFINITE = Difference(float("inf"), float("inf"))


class Reference:
    """A model in ONNX Runtime on the CPU, in fp32 as the file says.

    Args:
        model: A graph whose every tensor is inside it.

    Raises:
        UnsupportedModel: ONNX Runtime cannot load the graph; the message names the node.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        """Load the graph."""
        try:
            import onnxruntime
        except ImportError as err:
            raise MissingPackage("onnxruntime", "export", needed_for="checking parity") from err
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # the error is raised; its log line would be a second copy
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as err:  # onnxruntime raises its own types, bound at run time
            raise UnsupportedModel(
                "ONNX Runtime cannot load the graph", reason=reason(err)
            ) from err
        self.outputs: tuple[str, ...] = tuple(item.name for item in self._session.get_outputs())

    def __call__(self, feeds: Arrays) -> dict[str, np.ndarray]:
        """Outputs by name for inputs by name.

        Raises:
            UnsupportedModel: the graph does not run on these inputs.
        """
        try:
            values = self._session.run(None, dict(feeds))
        except Exception as err:
            raise UnsupportedModel("ONNX Runtime cannot run the graph", reason=reason(err)) from err
        return dict(zip(self.outputs, values, strict=True))


def random_feeds(model: onnx.ModelProto, *, batch: int = 1, seed: int = 0) -> dict[str, np.ndarray]:
    """Seeded input arrays for a graph: floats in -1..1, integers 0 or 1, dynamic sides 1.

    Args:
        model: The graph.
        batch: Size of a dynamic first dimension.
        seed: Seed of the generator.
    """
    rng = np.random.default_rng(seed)
    return {item.name: _random(rng, item, batch) for item in tensors(model)[0]}


def probes(model: onnx.ModelProto) -> list[dict[str, np.ndarray]]:
    """Random feeds that tell a graph's behaviour: one, and a batch of two if it takes any batch."""
    free = any(item.shape[:1] == (-1,) for item in tensors(model)[0])
    return [random_feeds(model, batch=batch) for batch in ((1, 2) if free else (1,))]


def _random(rng: np.random.Generator, item: Tensor, batch: int) -> np.ndarray:
    sides = [batch if at == 0 else 1 for at in range(len(item.shape))]
    shape = [side if side >= 0 else free for side, free in zip(item.shape, sides, strict=True)]
    dtype = np.dtype(item.dtype)
    if dtype.kind == "f":
        return rng.uniform(-1, 1, shape).astype(dtype)
    return rng.integers(0, 2, shape).astype(dtype)


def difference(value: np.ndarray, reference: np.ndarray) -> Difference:
    """Compare two arrays; unequal shapes, or NaN or infinity on one side only, are infinitely far.

    >>> difference(np.float32([1.0, 2.5]), np.float32([1.0, 2.0]))
    Difference(absolute=0.5, relative=0.25)
    """
    if value.shape != reference.shape or value.dtype.kind in "OSU":
        return _INFINITE
    if value.size == 0:
        return Difference(0.0, 0.0)
    with np.errstate(all="ignore"):
        return _finite_difference(value.astype(np.float64), reference.astype(np.float64))


def _finite_difference(a: np.ndarray, b: np.ndarray) -> Difference:
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite) or not np.array_equal(
        a[~finite], b[~finite], equal_nan=True
    ):
        return _INFINITE
    absolute = float(np.max(np.abs(a - b), initial=0.0, where=finite))
    largest = float(np.max(np.abs(b), initial=0.0, where=finite))
    return Difference(absolute, absolute / largest if largest > 0 else absolute)


def worst(values: Arrays, reference: Arrays) -> Difference:
    """The output that differs most (relatively); a missing output is infinitely far."""
    if set(values) != set(reference):
        return _INFINITE
    return largest(difference(values[name], reference[name]) for name in reference)


def largest(gaps: Iterable[Difference]) -> Difference:
    """The one with the largest relative difference; none at all is no difference."""
    return max(gaps, key=lambda gap: gap.relative, default=Difference(0.0, 0.0))
