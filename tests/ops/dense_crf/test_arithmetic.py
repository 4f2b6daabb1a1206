"""exp and softmax of dense_crf against numpy's."""

import numpy as np

from edgecv.ops.dense_crf.arithmetic import FAR, exponential, pack, softmax


def test_exponential_is_good_to_an_ulp_or_two():
    x = np.linspace(-87, 0, 20001).astype(np.float32)
    np.testing.assert_allclose(exponential(x), np.exp(x.astype(float)), rtol=3e-7)
    assert exponential(np.float32([0]))[0] == 1
    assert exponential(np.float32([-88, -1e30, -FAR]))[:].tolist() == [0, 0, 0]


def test_softmax_ignores_what_is_far_below(rng):
    x = rng.normal(0, 4, (5, 16)).astype(np.float32)
    x[:, 11:] = -FAR
    share = softmax(x)
    e = np.exp(x[:, :11].astype(float))
    np.testing.assert_allclose(share[:, :11], e / e.sum(1, keepdims=True), rtol=1e-5)
    assert not share[:, 11:].any()


def test_pack_pads_and_shifts(rng):
    logits = rng.normal(0, 3, (3, 2, 5)).astype(np.float32)
    rows = pack(logits, 8)
    assert rows.shape == (10, 8)
    np.testing.assert_array_equal(rows[:, :3].max(1), 0)
    np.testing.assert_array_equal(rows[:, 3:], -FAR)
    np.testing.assert_array_equal(rows[7, :3], logits[:, 1, 2] - logits[:, 1, 2].max())
