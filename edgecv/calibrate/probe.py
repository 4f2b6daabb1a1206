"""Run a graph and see its inner tensors: one ONNX Runtime session with them as outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, helper

from edgecv.errors import MachineError, MissingPackage, ShapeError, UnsupportedModel
from edgecv.graph.read import tensors as graph_tensors

Array = npt.NDArray[Any]


class Probe:
    """A session whose only outputs are the named tensors: what else the graph makes is not run.

    Attributes:
        names: The tensors it returns, in order; the image input is not among them.
        image: Name of the image input.
    """

    def __init__(self, model: ModelProto, tensors: Sequence[str], *, threads: int = 0) -> None:
        """Create the session.

        Args:
            model: An fp32 model with one image input; it is not changed.
            tensors: Names of the tensors to see.
            threads: Intra-op threads; 0: one a physical core.

        Raises:
            MissingPackage: ONNX Runtime is not installed.
            UnsupportedModel: several inputs, or ONNX Runtime refuses the graph.
        """
        inputs, _ = graph_tensors(model)
        if len(inputs) != 1:
            raise UnsupportedModel(
                "calibration feeds one image input", inputs=[item.name for item in inputs]
            )
        self.image, self._shape = inputs[0].name, inputs[0].shape
        self.names = tuple(name for name in tensors if name != self.image)
        self._session = _session(_exposed(model, self.names), threads) if self.names else None

    def run(self, batch: Array) -> Iterator[tuple[Array, list[Array]]]:
        """Feed a batch in the pieces that the graph takes.

        Args:
            batch: (B, C, H, W) float32.

        Yields:
            The piece, (b, C, H, W), and the tensors that it gave, in the order of `names`.

        Raises:
            ShapeError: `batch` is not what the graph takes.
            MachineError: ONNX Runtime failed while running (out of memory).
        """
        self._check(batch)
        size = self._shape[0] if self._shape[0] > 0 else len(batch)
        for at in range(0, len(batch), size):
            piece = batch[at : at + size]
            yield piece, self._outputs(piece)

    def _check(self, batch: Array) -> None:
        shape = tuple(batch.shape)
        fits = len(shape) == len(self._shape) and batch.dtype == np.float32 and shape[0] > 0
        if fits and self._shape[0] > 0:
            fits = shape[0] % self._shape[0] == 0
        pairs = zip(shape[1:], self._shape[1:], strict=False)
        if not fits or any(need not in (-1, got) for got, need in pairs):
            raise ShapeError(
                "calibration images are not what the graph takes",
                got=f"{shape} {batch.dtype}",
                needed=f"{self._shape} float32",
            )

    def _outputs(self, piece: Array) -> list[Array]:
        if self._session is None:
            return []
        try:
            found: list[Array] = self._session.run(self.names, {self.image: piece})
        except Exception as err:  # ONNX Runtime's own types derive from Exception only
            raise MachineError(
                "ONNX Runtime failed on a calibration image", reason=str(err).splitlines()[0]
            ) from err
        return found


def _exposed(model: ModelProto, names: Sequence[str]) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    return copy


def _session(model: ModelProto, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as err:
        raise MissingPackage("onnxruntime", "export", needed_for="calibrating") from err
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    # between two runs this process counts; spinning threads would take the CPU from it
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as err:  # likewise
        raise UnsupportedModel(
            "ONNX Runtime refuses the graph", reason=str(err).splitlines()[0]
        ) from err
