"""Canonical Huffman codes of small alphabets, as bit streams in numpy.

Source: Huffman, 1952; canonical form as in RFC 1951, section 3.2.2: a code is stored as the lengths
of its words alone.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import FileError
from edgecv.ops._jit import jit, jit_available

Array = npt.NDArray[Any]

LONGEST = 32  # bits of a word; a Fibonacci-like histogram of 2^32 symbols would need more


def code_lengths(counts: Array) -> Array:
    """Length in bits of each symbol's word; 0 for symbols that do not occur.

    Args:
        counts: (S,) non-negative integers, how often each symbol occurs.

    Returns:
        (S,) uint8. A lone symbol has a word of one bit.
    """
    lengths = np.zeros(len(counts), np.uint8)
    heap = [(int(n), i, [i]) for i, n in enumerate(counts) if n]
    if len(heap) == 1:
        lengths[heap[0][2]] = 1
        return lengths
    heapq.heapify(heap)
    tie = len(counts)
    while len(heap) > 1:
        few, _, left = heapq.heappop(heap)
        more, _, right = heapq.heappop(heap)
        lengths[left + right] += 1
        heapq.heappush(heap, (few + more, tie, left + right))
        tie += 1
    return lengths


def words(lengths: Array) -> Array:
    """(S,) uint32: the canonical words, by rising length and then by symbol."""
    found = np.zeros(len(lengths), np.uint32)
    word, before = 0, 0
    for symbol in np.lexsort((np.arange(len(lengths)), lengths)):
        length = int(lengths[symbol])
        if length == 0:
            continue
        word <<= length - before
        found[symbol], before = word, length
        word += 1
    return found


def encode(symbols: Array, lengths: Array) -> bytes:
    """The words of (N,) integer symbols one after the other, most significant bit first."""
    if len(symbols) == 0:
        return b""
    size, word = lengths[symbols].astype(np.int64), words(lengths)[symbols]
    starts = np.concatenate([[0], np.cumsum(size)[:-1]])
    bits = np.zeros(int(size.sum()), np.uint8)
    for at in range(int(size.max())):
        longer = size > at
        bits[starts[longer] + at] = (word[longer] >> (size[longer] - 1 - at)) & 1
    return np.packbits(bits).tobytes()


def decode(data: bytes, lengths: Array, count: int) -> Array:
    """(count,) int64 symbols of a stream that `encode` wrote.

    Raises:
        FileError: the stream ends early, or holds a word the code does not have.
    """
    if count == 0:
        return np.zeros(0, np.int64)
    order = np.lexsort((np.arange(len(lengths)), lengths))
    order = order[lengths[order] > 0].astype(np.int64)
    per_length = np.bincount(lengths[order], minlength=LONGEST + 1).astype(np.int64)
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    walk = _compiled() if jit_available() else _walk
    symbols = np.zeros(count, np.int64)
    if walk(bits, per_length, order, symbols) != count:
        raise FileError("compressed weights end early or are damaged", symbols=count)
    return symbols


def _walk(bits: Array, per_length: Array, order: Array, symbols: Array) -> int:
    """Read words until `symbols` is full; returns how many were read."""
    at = 0
    for n in range(len(symbols)):
        word, first, index, length = 0, 0, 0, 0
        while True:
            length += 1
            if at >= len(bits) or length >= len(per_length):
                return n
            word = word * 2 + int(bits[at])
            at += 1
            if word - first < per_length[length]:
                symbols[n] = order[index + word - first]
                break
            index += per_length[length]
            first = (first + per_length[length]) * 2
    return len(symbols)


_kept: list[Any] = []


def _compiled() -> Any:
    if not _kept:
        _kept.append(jit(_walk))
    return _kept[0]
