"""The compact file decodes to the same bits, is smaller, and a damaged one is refused."""

import numpy as np
import pytest

from edgecv.errors import FileError
from edgecv.slim.codec import CONV_BITS, read_compact, write_compact
from edgecv.slim.sharing import cut_small, share_weights


def shared(rng, shape, share, clusters):
    weights = cut_small(rng.standard_normal(shape).astype(np.float32), share)
    flat = weights.reshape(-1)
    full = flat != 0
    centroids, which = share_weights(flat[full], clusters)
    flat[full] = centroids[which]
    return weights


@pytest.fixture
def state(rng):
    return {
        "conv.weight": shared(rng, (16, 8, 3, 3), 0.8, 32),
        "bn.running_var": rng.random(16).astype(np.float32),
        "bn.num_batches_tracked": np.array(7, np.int64),
        "fc.weight": shared(rng, (40, 300), 0.95, 16),
        "fc.bias": rng.standard_normal(40).astype(np.float32),
    }


def test_every_array_comes_back_bit_for_bit(state, tmp_path):
    sizes = write_compact(tmp_path / "net.compact", state, {"arch": "x"})
    again, metadata = read_compact(tmp_path / "net.compact")
    assert metadata == {"arch": "x"}
    assert list(again) == list(state)
    for name, array in state.items():
        assert again[name].dtype == array.dtype
        assert again[name].shape == array.shape
        assert again[name].tobytes() == array.tobytes()
    assert sizes.coded == (tmp_path / "net.compact").stat().st_size
    assert sizes.dense > sizes.sparse > sizes.shared > 0
    assert sizes.coded < sizes.dense / 4


@pytest.mark.parametrize("first", [0, 254, 255, 256, 257, 511, 512, 1500])
def test_long_stretches_of_zeros_are_bridged(tmp_path, first):
    weights = np.zeros((1, 3, 40, 30), np.float32)
    weights.reshape(-1)[[first, 3000]] = [0.5, -2.0]
    write_compact(tmp_path / "w", {"w": weights}, {})
    assert np.array_equal(read_compact(tmp_path / "w")[0]["w"], weights)
    assert CONV_BITS == 8


def test_a_layer_of_zeros_and_a_full_one(tmp_path):
    state = {"none": np.zeros((3, 4), np.float32), "all": np.full((3, 4), 2.5, np.float32)}
    write_compact(tmp_path / "w", state, {})
    again, _ = read_compact(tmp_path / "w")
    assert all(np.array_equal(again[name], state[name]) for name in state)


def test_damage_is_told(state, tmp_path):
    path = tmp_path / "net.compact"
    write_compact(path, state, {})
    whole = path.read_bytes()
    for broken in (whole[:-5], whole[:200], whole[:300] + b"\x00" + whole[301:]):
        path.write_bytes(broken)
        with pytest.raises(FileError, match="truncated or was changed"):
            read_compact(path)
    path.write_bytes(b"something else")
    with pytest.raises(FileError, match="not a compact weight file"):
        read_compact(path)
    with pytest.raises(FileError, match="not found"):
        read_compact(tmp_path / "none")


@pytest.mark.parametrize(
    ("shape", "bits", "entries"), [((1, 1, 1, 300), 8, 2), ((1, 300), 5, 9)], ids=["conv", "dense"]
)
def test_distances_have_as_many_bits_as_the_kind_of_layer(tmp_path, shape, bits, entries):
    """255 zeros fit a convolution's 8 bits; a dense layer's 5 bits bridge 32 at a time."""
    weights = np.zeros(shape, np.float32)
    weights.reshape(-1)[[0, 256]] = 1.5
    sizes = write_compact(tmp_path / "w", {"w": weights}, {})
    assert sizes.sparse == (entries * (32 + bits) + 7) // 8
    assert np.array_equal(read_compact(tmp_path / "w")[0]["w"], weights)
