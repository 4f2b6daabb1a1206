"""Huffman codes: optimal by a known sum, prefix-free, and decoded to what was encoded."""

import numpy as np
import pytest

from edgecv.errors import FileError
from edgecv.slim.huffman import code_lengths, decode, encode, words


def test_lengths_of_a_code_worked_by_hand():
    # 5 1 1 2: the two rare ones join (2), with the third (4), with the first (9)
    assert code_lengths(np.array([5, 1, 1, 2])).tolist() == [1, 3, 3, 2]
    assert words(np.array([1, 3, 3, 2])).tolist() == [0b0, 0b110, 0b111, 0b10]


def test_kraft_sum_is_one_and_cost_within_a_bit_of_the_entropy(rng):
    counts = rng.integers(0, 1000, 200)
    lengths = code_lengths(counts)
    assert np.sum(2.0 ** -lengths[lengths > 0].astype(float)) == pytest.approx(1)
    share = counts[counts > 0] / counts.sum()
    entropy = -(share * np.log2(share)).sum()
    cost = (counts * lengths).sum() / counts.sum()
    assert entropy <= cost <= entropy + 1


@pytest.mark.parametrize("count", [0, 1, 2, 999])
@pytest.mark.parametrize("compiled", [True, False], ids=["numba", "python"])
def test_what_is_decoded_was_encoded(rng, monkeypatch, count, compiled):
    if not compiled:
        monkeypatch.setenv("EDGECV_NO_NUMBA", "1")
    symbols = np.minimum(rng.geometric(0.2, count), 30) - 1
    lengths = code_lengths(np.bincount(symbols, minlength=30))
    assert decode(encode(symbols, lengths), lengths, count).tolist() == symbols.tolist()


def test_a_lone_symbol_takes_a_bit_each():
    lengths = code_lengths(np.array([0, 7, 0]))
    data = encode(np.ones(7, int), lengths)
    assert len(data) == 1
    assert decode(data, lengths, 7).tolist() == [1] * 7


def test_a_short_stream_is_refused():
    lengths = code_lengths(np.array([3, 3, 3]))
    data = encode(np.array([0, 1, 2] * 9), lengths)
    with pytest.raises(FileError, match="end early or are damaged"):
        decode(data[:-2], lengths, 27)


@pytest.mark.parametrize("compiled", [True, False], ids=["numba", "python"])
def test_nothing_is_read_behind_the_stream(monkeypatch, compiled):
    if not compiled:
        monkeypatch.setenv("EDGECV_NO_NUMBA", "1")
    with pytest.raises(FileError, match="end early"):
        decode(b"", np.array([1, 1], np.uint8), 1)
    with pytest.raises(FileError, match="end early"):  # eight words of one bit, and one more
        decode(b"\x00", np.array([1, 1], np.uint8), 9)
