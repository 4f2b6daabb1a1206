"""conv_crf against a plain torch version (unfold) and against sums written out."""

import dataclasses

import numpy as np
import pytest

from edgecv.ops._jit import DISABLE
from edgecv.ops.conv_crf import ConvCrf, cells_of, conv_crf
from edgecv.ops.conv_crf.cpu import features_of, messages, pool, pool_sizes, weights_of
from tests.ops.conv_crf.oracle import by_torch
from tests.ops.dense_crf.oracle import picture

# weights small enough that the answer is not saturated: every term shows
CRF = ConvCrf(5, 2, 1.5, 0.3, 20.0, 0.4, rate=0.4, iterations=3)


@pytest.mark.parametrize("size", [(12, 16), (11, 13), (9, 10)], ids=str)
@pytest.mark.parametrize(
    "crf", [CRF, dataclasses.replace(CRF, blur=1), dataclasses.replace(CRF, blur=4), ConvCrf()]
)
def test_equals_the_plain_torch_version(form, rng, size, crf):
    logits, image, _ = picture(rng, *size)
    q, wanted = conv_crf(logits, image, crf), by_torch(logits, image, crf)
    np.testing.assert_allclose(q, wanted, atol=2e-5)
    np.testing.assert_allclose(q.sum(0), 1, atol=1e-5)


def test_it_helps(form, rng):
    logits, image, region = picture(rng)
    q = conv_crf(logits, image, dataclasses.replace(CRF, color_weight=2.0))
    before = (logits.argmax(0) == region).mean()
    assert (q.argmax(0) == region).mean() > before + 0.15


@pytest.mark.parametrize("change", [{"spatial_weight": 0.0}, {"color_weight": 0.0}, {"rate": 0.0}])
def test_every_part_shows(form, rng, change):
    logits, image, _ = picture(rng, 12, 12)
    q = conv_crf(logits, image, dataclasses.replace(CRF, **change))
    assert abs(conv_crf(logits, image, CRF) - q).mean() > 0.01


def test_messages_are_sums_over_the_window(rng):
    _, image, _ = picture(rng, 6, 9)
    crf = dataclasses.replace(CRF, blur=1)
    features = features_of(image, crf)
    cells = rng.uniform(0, 1, (6, 9, 8)).astype(np.float32)
    heard = messages(cells, weights_of(features, crf), crf)
    for y, x in ((0, 0), (3, 4), (5, 8)):
        wanted = 0
        for v in range(max(0, y - 2), min(6, y + 3)):
            for u in range(max(0, x - 2), min(9, x + 3)):
                gap = ((features[v, u] - features[y, x]).astype(float)) ** 2
                weight = 0.3 * np.exp(-gap[:2].sum() / 2) + 0.4 * np.exp(-gap[2:].sum() / 2)
                wanted = wanted + weight * cells[v, u]
        np.testing.assert_allclose(heard[y, x], wanted, rtol=1e-5)


def test_cells_cover_the_picture_evenly(rng):
    for side in range(1, 14):
        grid = cells_of((side, 7), 4)
        sizes = pool_sizes(grid, (side, 7), 4)
        assert sizes.sum() == side * 7
        assert sizes.min() >= 1
        maps = rng.uniform(0, 1, (side, 7, 2)).astype(np.float32)
        mean = pool(maps, grid, 4)
        np.testing.assert_allclose((mean * sizes).sum((0, 1)), maps.sum((0, 1)), rtol=1e-5)


def test_labels_are_the_argmax_and_ties_go_to_the_lowest(form, rng):
    logits, image, _ = picture(rng, 8, 8)
    logits[2] = logits[0]
    labels = conv_crf(logits, image, CRF, labels=True)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, conv_crf(logits, image, CRF).argmax(0))
    assert not (labels == 2).any()


def test_without_iterations_it_is_softmax(form, rng):
    logits, image, _ = picture(rng, 5, 6)
    q = conv_crf(logits, image, dataclasses.replace(CRF, iterations=0))
    e = np.exp(logits - logits.max(0))
    np.testing.assert_allclose(q, e / e.sum(0), atol=1e-6)


def test_both_forms_give_the_same_bits(rng, monkeypatch):
    pytest.importorskip("numba")
    for labels, crf in ((3, CRF), (9, ConvCrf())):
        logits, image, _ = picture(rng, 13, 18, labels)
        logits[0, 0, 0], logits[1, 5, 5] = np.nan, np.inf
        monkeypatch.delenv(DISABLE, raising=False)
        compiled = conv_crf(logits, image, crf)
        monkeypatch.setenv(DISABLE, "1")
        assert np.array_equal(compiled, conv_crf(logits, image, crf))
        assert np.isfinite(compiled).all()


@pytest.mark.parametrize("side", [1, 3, 11])
def test_compiled_messages_have_the_same_bits(rng, side):
    pytest.importorskip("numba")
    from edgecv.ops.conv_crf.loops import listen

    height, width, taps, reach = 5, 6, -(-side // 4) * 4, side // 2
    cells = rng.uniform(0, 1, (height, width, 8)).astype(np.float32)
    features = rng.uniform(0, 2, (height, width, 5)).astype(np.float32)
    crf = dataclasses.replace(CRF, filter_size=side)
    weights = weights_of(features, crf)
    by_cell = np.zeros((height, width, side, taps), np.float32)
    square = weights.reshape(side, side, height, width)
    by_cell[..., :side] = square.transpose(2, 3, 0, 1)
    room = np.zeros((height + side, width + side + taps, 8), np.float32)
    room[reach : reach + height, reach : reach + width] = cells
    heard = np.empty_like(cells)
    listen(room, by_cell, side, heard, (0,))
    assert np.array_equal(heard, messages(cells, weights, crf))
