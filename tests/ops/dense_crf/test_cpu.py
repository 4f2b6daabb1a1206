"""dense_crf against exact mean field, and what must hold of every answer."""

import dataclasses
import os

import numpy as np
import pytest

from edgecv.ops._jit import DISABLE
from edgecv.ops.dense_crf import DenseCrf, dense_crf
from tests.ops.dense_crf.oracle import exact, picture, softmax

# weights small enough that the answer is not saturated: every term shows
CRF = DenseCrf(1.5, 1.0, bilateral_sigma=6.0, color_sigma=20.0, bilateral_weight=3.0, iterations=4)


def test_close_to_exact_mean_field(form, rng):
    """The lattice approximates its Gaussians to some percent; labels and Q hardly notice."""
    logits, image, region = picture(rng)
    q, wanted = dense_crf(logits, image, CRF), exact(logits, image, CRF)
    assert (q.argmax(0) == wanted.argmax(0)).mean() >= 0.99
    assert abs(q - wanted).mean() < 0.005
    before = (logits.argmax(0) == region).mean()
    assert before < 0.8  # so that agreeing is not for free
    assert (q.argmax(0) == region).mean() > before + 0.15


def test_close_to_exact_mean_field_with_a_compatibility_matrix(form, rng):
    logits, image, _ = picture(rng)
    mu = np.float32([[-1, 0.5, 0.2], [0.5, -1, 0.7], [0.2, 0.7, -1]])
    crf = dataclasses.replace(CRF, compatibility=tuple(map(tuple, mu.tolist())))
    q, wanted = dense_crf(logits, image, crf), exact(logits, image, crf)
    assert (q.argmax(0) == wanted.argmax(0)).mean() >= 0.99
    assert abs(q - wanted).mean() < 0.005
    assert abs(q - dense_crf(logits, image, CRF)).mean() > 0.05


def test_minus_identity_is_potts(form, rng):
    logits, image, _ = picture(rng, 9, 7)
    crf = dataclasses.replace(CRF, compatibility=tuple(map(tuple, (-np.eye(3)).tolist())))
    np.testing.assert_allclose(
        dense_crf(logits, image, crf), dense_crf(logits, image, CRF), atol=1e-5
    )


@pytest.mark.parametrize("labels", [1, 3, 8, 9])
def test_distribution(form, rng, labels):
    logits, image, _ = picture(rng, 7, 9, max(labels, 2))
    q = dense_crf(logits[:labels], image, CRF)
    assert q.shape == (labels, 7, 9)
    assert q.dtype == np.float32
    assert q.min() >= 0
    np.testing.assert_allclose(q.sum(0), 1, atol=1e-5)


@pytest.mark.parametrize(
    "crf",
    [
        dataclasses.replace(CRF, iterations=0),
        dataclasses.replace(CRF, spatial_weight=0.0, bilateral_weight=0.0),
    ],
)
def test_without_kernels_it_is_softmax(form, rng, crf):
    logits, image, _ = picture(rng, 6, 5)
    np.testing.assert_allclose(dense_crf(logits, image, crf), softmax(logits), atol=1e-6)


@pytest.mark.parametrize("left_out", ["spatial_weight", "bilateral_weight"])
def test_one_kernel_alone(form, rng, left_out):
    logits, image, _ = picture(rng, 12, 12)
    crf = dataclasses.replace(CRF, **{left_out: 0.0})
    q, wanted = dense_crf(logits, image, crf), exact(logits, image, crf)
    assert abs(q - wanted).mean() < 0.005
    assert abs(q - dense_crf(logits, image, CRF)).mean() > 0.05


def test_labels_are_the_argmax_and_ties_go_to_the_lowest(form, rng):
    logits, image, _ = picture(rng, 8, 8)
    logits[2] = logits[0]
    labels = dense_crf(logits, image, CRF, labels=True)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, dense_crf(logits, image, CRF).argmax(0))
    assert not (labels == 2).any()


def test_nan_is_the_lowest_and_infinity_stays_finite(form, rng):
    logits, image, _ = picture(rng, 5, 6)
    logits[0, 2, 2] = np.nan
    logits[:, 3, 3] = np.nan
    logits[1, 4, 4] = np.inf
    logits[2, 1, 1] = -np.inf
    q = dense_crf(logits, image, dataclasses.replace(CRF, iterations=0))
    assert q[0, 2, 2] == 0
    np.testing.assert_allclose(q[:, 3, 3], 1 / 3)
    assert q[:, 4, 4].tolist() == [0, 1, 0]
    assert q[2, 1, 1] == 0
    assert np.isfinite(dense_crf(logits, image, CRF)).all()


def test_both_forms_give_the_same_bits(rng, monkeypatch):
    pytest.importorskip("numba")
    for labels in (2, 9):
        logits, image, _ = picture(rng, 13, 17, labels)
        mu = np.ones((labels, labels)) - 2 * np.eye(labels)
        for crf in (CRF, dataclasses.replace(CRF, compatibility=tuple(map(tuple, mu.tolist())))):
            monkeypatch.delenv(DISABLE, raising=False)
            compiled = dense_crf(logits, image, crf)
            monkeypatch.setenv(DISABLE, "1")
            assert os.environ[DISABLE] == "1"
            assert np.array_equal(compiled, dense_crf(logits, image, crf))


def test_one_pixel(form):
    q = dense_crf(np.float32([[[1]], [[0]]]), np.zeros((1, 1, 3), np.uint8), CRF)
    assert q[0, 0, 0] > 0.8  # it hears itself, as in pydensecrf


@pytest.mark.parametrize(("labels", "width"), [(3, 8), (9, 16)])
def test_packing_has_the_same_bits_in_both_forms(rng, labels, width):
    pytest.importorskip("numba")
    from edgecv.ops.dense_crf.arithmetic import FAR, pack
    from edgecv.ops.dense_crf.loops import pack as compiled_pack

    logits = rng.normal(0, 30, (labels, 7, 11)).astype(np.float32)
    logits[0, 0, 0], logits[1, 1, 1], logits[0, 2, 2] = np.nan, np.inf, -np.inf
    rows = np.empty((77, width), np.float32)
    compiled_pack(logits.reshape(labels, -1), FAR, rows)
    np.testing.assert_array_equal(rows, pack(logits, width))
