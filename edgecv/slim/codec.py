"""The compact weight file: sparse, shared and Huffman-coded weights that decode to the same values.

Layout: the magic line, the header's length (4 bytes, little endian), the header (JSON: tensors in
order, metadata), the streams one after the other, and the sha256 of all before it. A tensor of two
or more dimensions is stored as its codebook (float32), and two Huffman streams: distances between
entries that are not 0, and which value each has. A distance above the largest the layer's bits
hold is bridged by entries of value 0 (arXiv:1510.00149, Figure 2). Everything else is stored as it
is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import FileError
from edgecv.files import whole_file
from edgecv.slim.huffman import code_lengths, decode, encode

Array = npt.NDArray[Any]

MAGIC = b"edgecv compact weights 1\n"
CONV_BITS, DENSE_BITS = 8, 5  # of a distance, as in the paper


class Sizes(NamedTuple):
    """Bytes of a network's weights, stage by stage.

    Attributes:
        dense: Every weight as float32.
        sparse: Only weights that are not 0, as float32, and their distances.
        shared: Value indices instead of floats.
        coded: The compact file.
    """

    dense: int
    sparse: int
    shared: int
    coded: int


def write_compact(path: Path, state: Mapping[str, Array], metadata: Mapping[str, str]) -> Sizes:
    """Write `state` so that `read_compact` gives the same arrays back, bit for bit.

    Args:
        path: The file, written whole or not at all.
        state: Key -> array. Weights of two or more dimensions are float32 and have few different
            values: `share_weights` made them.
        metadata: Kept with it.

    Raises:
        IoFailed: the folder cannot be written or the disk is full.
    """
    tensors: list[dict[str, Any]] = []
    streams: list[bytes] = []
    dense = sparse = shared = 0
    for name, array in state.items():
        if array.ndim < 2 or array.dtype != np.float32:
            raw = np.ascontiguousarray(array).tobytes()
            tensors.append(_plain(name, array, len(raw)))
            streams.append(raw)
            dense, sparse, shared = dense + len(raw), sparse + len(raw), shared + len(raw)
            continue
        row, parts, bits = _coded(name, array)
        tensors.append(row)
        streams += parts
        entries, index_bits = row["entries"], max(1, (len(parts[0]) // 4 - 1).bit_length())
        dense += array.nbytes
        sparse += (entries * (32 + bits) + 7) // 8
        shared += (entries * (index_bits + bits) + 7) // 8 + len(parts[0])
    header = json.dumps({"tensors": tensors, "metadata": dict(metadata)}).encode()
    content = b"".join([MAGIC, len(header).to_bytes(4, "little"), header, *streams])
    content += hashlib.sha256(content).digest()
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return Sizes(dense, sparse, shared, len(content))


def read_compact(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the metadata of a compact file.

    Raises:
        FileError: missing, not such a file, truncated or changed.
    """
    if not path.is_file():
        raise FileError("compact weight file not found", file=path)
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise FileError("not a compact weight file of this edgecv", file=path)
    body, digest = content[:-32], content[-32:]
    if len(content) < len(MAGIC) + 36 or hashlib.sha256(body).digest() != digest:
        raise FileError("the compact weight file is truncated or was changed", file=path)
    at = len(MAGIC) + 4
    end = at + int.from_bytes(body[len(MAGIC) : at], "little")
    header = json.loads(body[at:end])
    state: dict[str, Array] = {}
    for row in header["tensors"]:
        parts = []
        for size in row["bytes"]:
            parts.append(body[end : end + size])
            end += size
        state[row["name"]] = _array(row, parts)
    return state, header["metadata"]


def _plain(name: str, array: Array, size: int) -> dict[str, Any]:
    kind = {"name": name, "shape": list(array.shape), "dtype": array.dtype.name}
    return {**kind, "bytes": [size]}


def _coded(name: str, array: Array) -> tuple[dict[str, Any], list[bytes], int]:
    """The header's row, codebook, code lengths and streams, and the bits of a distance."""
    bits = CONV_BITS if array.ndim > 2 else DENSE_BITS
    flat = array.reshape(-1)
    places, values = _bridged(np.flatnonzero(flat), (1 << bits) - 1)
    codebook, index = np.unique(flat[places], return_inverse=True)
    gaps_lengths = code_lengths(np.bincount(values, minlength=1 << bits))
    index_lengths = code_lengths(np.bincount(index, minlength=len(codebook)))
    parts = [
        codebook.astype(np.float32).tobytes(),
        gaps_lengths.tobytes(),
        encode(values, gaps_lengths),
        index_lengths.tobytes(),
        encode(index, index_lengths),
    ]
    kind = {"name": name, "shape": list(array.shape), "dtype": "float32"}
    row = {**kind, "entries": len(places), "bytes": [len(part) for part in parts]}
    return row, parts, bits


def _bridged(places: Array, longest: int) -> tuple[Array, Array]:
    """Positions of the entries, fillers included, and the distance of each from the one before."""
    steps = np.diff(places, prepend=-1) - 1
    fillers = steps // (longest + 1)
    entries = np.repeat(places, fillers + 1)
    last = np.cumsum(fillers + 1) - 1
    back = np.repeat(last, fillers + 1) - np.arange(len(entries))  # entries before the real one
    rest = np.repeat(steps - fillers * (longest + 1), fillers + 1)
    moved = entries - np.where(back > 0, rest + 1 + (back - 1) * (longest + 1), 0)
    gaps = np.where(back > 0, longest, rest)
    return moved.astype(np.int64), gaps.astype(np.int64)


def _array(row: Mapping[str, Any], parts: list[bytes]) -> Array:
    shape = tuple(row["shape"])
    if "entries" not in row:
        return np.frombuffer(parts[0], row["dtype"]).reshape(shape).copy()
    codebook = np.frombuffer(parts[0], np.float32)
    count = row["entries"]
    gaps = decode(parts[2], np.frombuffer(parts[1], np.uint8), count)
    index = decode(parts[4], np.frombuffer(parts[3], np.uint8), count)
    flat = np.zeros(int(np.prod(shape)), np.float32)
    flat[np.cumsum(gaps + 1) - 1] = codebook[index]
    return flat.reshape(shape)
