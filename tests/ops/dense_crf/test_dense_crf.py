"""dense_crf against exact mean field, and what must hold of every answer."""

import dataclasses
import os

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops._jit import DISABLE
from edgecv.ops.dense_crf import MAX_LABELS, DenseCrf, dense_crf

# weights small enough that the answer is not saturated: every term shows
CRF = DenseCrf(1.5, 1.0, bilateral_sigma=6.0, color_sigma=20.0, bilateral_weight=3.0, iterations=4)


@pytest.fixture(params=["numba", "numpy"])
def form(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setenv(DISABLE, "1")
    else:
        pytest.importorskip("numba")
    return request.param


def picture(rng, height=24, width=24, labels=3):
    """Two flat regions with noise, and logits that know the regions only roughly."""
    y, x = np.mgrid[:height, :width]
    region = (x + y // 2 > width * 0.7).astype(int)
    image = np.array([[60, 90, 120], [150, 120, 60]])[region] + rng.normal(0, 6, (*y.shape, 3))
    logits = rng.normal(0, 1.5, (labels, height, width))
    logits[0] += 1.2 * (region == 0)
    logits[1] += 1.2 * (region == 1)
    return logits.astype(np.float32), image.clip(0, 255).astype(np.uint8), region


def exact(logits, image, crf):
    """Mean field with every pair of pixels summed, in float64."""
    count, height, width = logits.shape
    y, x = np.mgrid[:height, :width]
    place = np.stack([x, y], -1).reshape(-1, 2).astype(float)
    both = np.concatenate(
        [place / crf.bilateral_sigma, image.reshape(-1, 3) / crf.color_sigma], axis=1
    )
    message = 0
    for points, weight in (
        (place / crf.spatial_sigma, crf.spatial_weight),
        (both, crf.bilateral_weight),
    ):
        kernel = np.exp(-0.5 * ((points[:, None] - points) ** 2).sum(-1))
        norm = 1 / np.sqrt(kernel.sum(1))
        message = message + weight * kernel * norm[:, None] * norm
    mu = -np.eye(count) if crf.compatibility is None else np.array(crf.compatibility)
    u = logits.reshape(count, -1).astype(float)
    q = softmax(u)
    for _ in range(crf.iterations):
        q = softmax(u - mu @ (q @ message))
    return q.reshape(logits.shape)


def softmax(x):
    e = np.exp(x - x.max(0))
    return e / e.sum(0)


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


IMAGE = np.zeros((4, 5, 3), np.uint8)
LOGITS = np.zeros((2, 4, 5), np.float32)


@pytest.mark.parametrize(
    ("logits", "image", "crf", "says"),
    [
        pytest.param(LOGITS.astype(float), IMAGE, CRF, "float64", id="dtype"),
        pytest.param(LOGITS[0], IMAGE, CRF, r"\(L, H, W\)", id="rank"),
        pytest.param(LOGITS, IMAGE[:3], CRF, r"must be \(4, 5, 3\)", id="size"),
        pytest.param(LOGITS, IMAGE.astype(np.int16), CRF, "int16", id="image"),
        pytest.param(LOGITS[:, :0], IMAGE[:0], CRF, "at least one pixel", id="empty"),
        pytest.param(LOGITS[:0], IMAGE, CRF, f"1 to {MAX_LABELS} labels", id="no labels"),
        pytest.param(LOGITS, IMAGE, DenseCrf(spatial_sigma=0), "sigma", id="sigma"),
        pytest.param(LOGITS, IMAGE, DenseCrf(color_sigma=np.nan), "sigma", id="nan"),
        pytest.param(LOGITS, IMAGE, DenseCrf(bilateral_weight=-1), "weights", id="weight"),
        pytest.param(LOGITS, IMAGE, DenseCrf(iterations=-1), "iterations", id="iterations"),
        pytest.param(LOGITS, IMAGE, DenseCrf(color_sigma=1e-4), "too large", id="range"),
        pytest.param(LOGITS, IMAGE, DenseCrf(compatibility=((0.0,),)), "2 x 2", id="matrix"),
        pytest.param(
            LOGITS, IMAGE, DenseCrf(compatibility=((0, 1), (0, 0))), "symmetric", id="asymmetric"
        ),
        pytest.param(
            LOGITS, IMAGE, DenseCrf(compatibility=((0, 1), (0,))), "square", id="ragged"
        ),
    ],
)  # fmt: skip
def test_refuses(logits, image, crf, says):
    with pytest.raises(ShapeError, match=says):
        dense_crf(logits, image, crf)
