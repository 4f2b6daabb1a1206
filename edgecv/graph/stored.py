"""The tensors an ONNX file stores, in itself or beside it, and the bytes behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx

from edgecv.errors import FileError, IoFailed
from edgecv.graph.reason import reason

MAX_BYTES = 2**31 - 1  # protobuf's own limit on one message
MAX_ELEMENTS = 2**31 - 1  # what TensorRT and most kernels index one tensor with
COPY_AGAIN = "export the model again, or copy the file again"
_BITS = {
    "UINT4": 4,
    "INT4": 4,
    "FLOAT4E2M1": 4,
    "UINT2": 2,
    "INT2": 2,
    "FLOAT6E2M3": 6,
    "FLOAT6E3M2": 6,
}


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs inside a node's attributes (If, Loop, Scan)."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def stored_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor a file stores: initialisers and attributes, in subgraphs and functions too."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _node_tensors(node)


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        yield from _node_tensors(node)


def _node_tensors(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            yield attribute.t
        yield from attribute.tensors
    for inner in subgraphs(node):
        yield from _graph_tensors(inner)


def load_external(stored: list[onnx.TensorProto], path: Path) -> None:
    """Move the external data of `stored` into the tensors.

    Raises:
        FileError: it lies outside the folder of `path`, is missing, truncated or too large.
        IoFailed: it cannot be read.
    """
    outside = [t for t in stored if t.data_location == onnx.TensorProto.EXTERNAL]
    total = 0
    for tensor in outside:
        source, offset, length = _external_range(tensor, path)
        total += length
        if total > MAX_BYTES:
            raise FileError(
                "ONNX model is too large: more external data than edgecv holds in one graph",
                file=path,
                limit_bytes=MAX_BYTES,
            )
        try:
            with source.open("rb") as file:
                file.seek(offset)
                tensor.raw_data = file.read(length)
        except OSError as err:
            raise IoFailed(
                "cannot read external data of the ONNX model", file=source, reason=err.strerror
            ) from err
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _external_range(tensor: onnx.TensorProto, path: Path) -> tuple[Path, int, int]:
    """(file, offset, length) of a tensor's external data, all inside the model's folder."""
    entry = {item.key: item.value for item in tensor.external_data}
    location = entry.get("location", "")
    facts = {"file": path, "tensor": tensor.name, "location": location[:200]}
    source = path.parent.resolve() / location
    try:
        inside = _stays_inside(location, path.parent.resolve())
        size = source.stat().st_size if inside and source.is_file() else None
    except (OSError, RuntimeError) as err:  # too long a name, a loop of links (until Python 3.13)
        raise FileError(
            "external data of the ONNX model cannot be reached", reason=reason(err)[:80], **facts
        ) from err
    if not inside:
        raise FileError("ONNX model points outside its folder", **facts)
    if size is None:
        raise FileError(
            "external data of the ONNX model is missing", fix="copy it beside the model", **facts
        )
    try:
        offset = int(entry.get("offset") or 0)
        length = int(entry.get("length") or size - offset)
    except ValueError as err:
        raise FileError("external data of the ONNX model has no valid range", **facts) from err
    if offset < 0 or length < 0 or offset + length > size:
        raise FileError(
            "external data of the ONNX model is truncated",
            needed_bytes=offset + length,
            bytes=size,
            fix=COPY_AGAIN,
            **facts,
        )
    return source, offset, length


def _stays_inside(location: str, folder: Path) -> bool:
    parts = (PurePosixPath(location), PureWindowsPath(location))
    leaves = not location or any(p.is_absolute() or p.drive or ".." in p.parts for p in parts)
    if leaves or "\0" in location:
        return False
    return (folder / location).resolve().is_relative_to(folder)


def check_payload(tensor: onnx.TensorProto, path: Path) -> None:
    """Compare the bytes a tensor has with what its dims and type promise.

    Raises:
        FileError: negative or absurd dims, an unknown type, or another amount of data.
    """
    facts = {"file": path, "tensor": tensor.name, "dims": list(tensor.dims)[:8]}
    if any(dim < 0 for dim in tensor.dims) or math.prod(tensor.dims) > MAX_ELEMENTS:
        raise FileError("ONNX model declares a tensor of absurd size", **facts)
    needed = _needed(tensor)
    if needed is None:
        raise FileError(
            "ONNX model stores a tensor of unknown type", code=tensor.data_type, **facts
        )
    if needed[0] != needed[1]:
        raise FileError(
            "ONNX model stores a tensor whose data does not match its dims",
            needed=f"{needed[0]} {needed[2]}",
            found=f"{needed[1]} {needed[2]}",
            **facts,
        )


def _needed(tensor: onnx.TensorProto) -> tuple[int, int, str] | None:
    """(promised, present, unit) of a tensor's data; None if its type is unknown."""
    try:
        name = onnx.TensorProto.DataType.Name(tensor.data_type)
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        field = onnx.helper.tensor_dtype_to_field(tensor.data_type)
    except (KeyError, ValueError):
        return None
    count = math.prod(tensor.dims)
    if tensor.HasField("raw_data"):
        bits = _BITS.get(name, 8 * dtype.itemsize)
        return math.ceil(count * bits / 8), len(tensor.raw_data), "bytes"
    if name in _BITS:  # packed fields: onnx's checker knows them
        return 0, 0, "values"
    return count * (2 if name.startswith("COMPLEX") else 1), len(getattr(tensor, field)), "values"
