"""ONNX files come in and go out here: the boundary where a broken or hostile one is refused.

Nothing a file claims is believed before it is checked: its length, the folder its external data
lies in, and the bytes behind every tensor it declares.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from edgecv.bundle import Tensor
from edgecv.errors import FileError, IoFailed, MissingPackage, UnsupportedModel
from edgecv.files import whole_file
from edgecv.graph.reason import reason
from edgecv.graph.stored import (
    COPY_AGAIN,
    MAX_BYTES,
    MAX_ELEMENTS,
    check_payload,
    load_external,
    stored_tensors,
)

try:
    import onnx
except ImportError as err:
    raise MissingPackage("onnx", "export", needed_for="reading ONNX files") from err


def load_graph(path: Path) -> onnx.ModelProto:
    """Read an ONNX file, with its external data if it has any, and check that it is one.

    Args:
        path: The `.onnx` file; external data must lie in its folder or below.

    Returns:
        The model with every tensor inside it (no external data left).

    Raises:
        FileError: missing, empty, truncated, not ONNX, larger than protobuf carries, or a tensor
            whose bytes are missing, outside the folder or of another size than declared.
        IoFailed: the file cannot be read.
    """
    model = _parse(_read_bytes(path), path)
    try:
        _require_sound(model, path)
    except UnicodeDecodeError as err:  # protobuf decodes text when it is first read
        raise FileError(
            "ONNX model holds names that are no text", file=path, fix=COPY_AGAIN
        ) from err
    return model


def save_graph(model: onnx.ModelProto, path: Path) -> Path:
    """Write a model as one file, whole or not at all; return `path`.

    Raises:
        UnsupportedModel: the model is larger than one ONNX file can be (2 GiB).
        IoFailed: the folder cannot be written or the disk is full.
    """
    if model.ByteSize() > MAX_BYTES:
        raise UnsupportedModel("the model does not fit one ONNX file", limit_bytes=MAX_BYTES)
    with whole_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return path


def tensors(model: onnx.ModelProto) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The (inputs, outputs) of a graph; -1 is a dynamic dimension, initialisers are no inputs.

    Raises:
        UnsupportedModel: one of them has no known rank or is no tensor.
    """
    return tuple(map(_tensor, true_inputs(model))), tuple(map(_tensor, model.graph.output))


def initialisers(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """The weights and constants of the top graph by name."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def true_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Graph inputs a caller must feed: old files list their initialisers there too."""
    weights = initialisers(model)
    return [value for value in model.graph.input if value.name not in weights]


def opset(model: onnx.ModelProto) -> int:
    """Version of the standard operator set the model uses; 0 if it imports none."""
    return next((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), 0)


def _tensor(value: Any) -> Tensor:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise UnsupportedModel("graph input or output has no known rank", tensor=value.name)
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim)
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    except (KeyError, ValueError) as err:
        raise UnsupportedModel(
            "graph input or output has no element type", tensor=value.name
        ) from err
    return Tensor(name=value.name, shape=shape, dtype=dtype)


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise FileError("ONNX model not found", file=path)
    try:
        size = path.stat().st_size
        if size == 0:
            raise FileError("ONNX model is empty", file=path, fix=COPY_AGAIN)
        if size > MAX_BYTES:
            raise FileError(
                "ONNX model is larger than one ONNX file can be",
                file=path,
                bytes=size,
                limit_bytes=MAX_BYTES,
                fix="export it with external data",
            )
        return path.read_bytes()
    except OSError as err:
        raise IoFailed("cannot read ONNX model", file=path, reason=err.strerror) from err


def _parse(data: bytes, path: Path) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

    try:
        return onnx.ModelProto.FromString(data)
    except DecodeError as err:
        raise FileError(
            "file is no ONNX model, or is truncated", file=path, bytes=len(data), fix=COPY_AGAIN
        ) from err


def _require_sound(model: onnx.ModelProto, path: Path) -> None:
    _require_graph(model, path)
    stored = list(stored_tensors(model))
    load_external(stored, path)
    for tensor in stored:
        check_payload(tensor, path)
    for value in (*model.graph.input, *model.graph.output):
        _require_sane_shape(value, path)
    _require_valid(model, path)


def _require_graph(model: onnx.ModelProto, path: Path) -> None:
    """Random or cut bytes often still parse as an empty message."""
    problem = None
    if not model.ir_version or not model.HasField("graph"):
        problem = "it declares no graph"
    elif not model.opset_import:
        problem = "it declares no operator set"
    elif not model.graph.output:
        problem = "its graph has no output"
    if problem:
        raise FileError(
            "file is no ONNX model, or is truncated", file=path, problem=problem, fix=COPY_AGAIN
        )


def _require_sane_shape(value: Any, path: Path) -> None:
    dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim if dim.HasField("dim_value")]
    if any(dim < 0 for dim in dims) or math.prod(dims) > MAX_ELEMENTS:
        raise FileError(
            "ONNX model declares a tensor of absurd size",
            file=path,
            tensor=value.name,
            dims=dims[:8],
        )


def _require_valid(model: onnx.ModelProto, path: Path) -> None:
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as err:
        raise FileError("ONNX model is not valid", file=path, problem=reason(err)) from err
