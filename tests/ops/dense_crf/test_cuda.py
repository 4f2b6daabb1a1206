"""DenseCrfPlan against the CPU twin, to the bit, and against exact mean field."""

import dataclasses

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.dense_crf import OP, DenseCrf, dense_crf
from edgecv.ops.dense_crf.cpu import kernels_of, mean_field, normalised
from edgecv.ops.dense_crf.cuda import DenseCrfPlan
from edgecv.ops.dense_crf.lattice import (
    Lattice,
    bilateral_features,
    bilateral_grid,
    embed,
    neighbours,
)
from tests.cuda.capture import assert_capturable
from tests.ops.dense_crf.oracle import exact, picture

CRF = DenseCrf(1.5, 1.0, bilateral_sigma=6.0, color_sigma=20.0, bilateral_weight=3.0, iterations=2)
FORWARD = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)


def run(session, logits, images, crf, **options):
    """(refined, state) of a plan for these pictures."""
    plan = DenseCrfPlan(session, batch=len(logits), shape=logits.shape[1:], crf=crf, **options)
    scores, pictures = session.upload(logits), session.upload(images)
    refined, state = assert_capturable(
        session, lambda stream: plan.enqueue(stream, scores, pictures), (plan.refined, plan.state)
    )
    plan.close()
    scores.free()
    pictures.free()
    return refined, state


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_equals_the_cpu_twin(session, rng, dtype):
    logits, image, _ = picture(rng, 9, 11)
    logits = logits.astype(dtype)
    logits[0, 2, 2], logits[1, 3, 3], logits[2, 1, 1] = np.nan, np.inf, -np.inf
    q, state = run(session, logits[None], image[None], CRF, labels=False, capacity=400)
    wanted = dense_crf(logits.astype(np.float32), image, CRF)
    assert abs(q[0] - wanted).max() <= OP.atol
    vertices = kernels_of(image, CRF)[1][0].near.shape[2]
    assert state.tolist() == [[vertices, 0]]


@FORWARD
def test_labels_of_a_batch(session, rng):
    """Two pictures share the scratch; nine labels need two rounds of the eight lanes."""
    pairs = [picture(rng, 7, 10, 9)[:2] for _ in range(2)]
    logits, images = (np.stack(part) for part in zip(*pairs, strict=True))
    labels, _ = run(session, logits, images, CRF, capacity=400)
    for found, scores, image in zip(labels, logits, images, strict=True):
        assert np.array_equal(found, dense_crf(scores, image, CRF, labels=True))
    assert len(np.unique(labels)) > 2


@FORWARD
def test_compatibility_matrix(session, rng):
    logits, image, _ = picture(rng, 8, 7)
    mu = ((-1.0, 0.5, 0.2), (0.5, -1.0, 0.7), (0.2, 0.7, -1.0))
    crf = dataclasses.replace(CRF, compatibility=mu)
    q, _ = run(session, logits[None], image[None], crf, labels=False)
    assert abs(q[0] - dense_crf(logits, image, crf)).max() <= OP.atol
    assert abs(q[0] - exact(logits, image, crf)).mean() < 0.01


@FORWARD
@pytest.mark.parametrize("change", ["spatial_weight", "bilateral_weight", "iterations"])
def test_without_a_part(session, rng, change):
    logits, image, _ = picture(rng, 6, 9)
    crf = dataclasses.replace(CRF, **{change: 0})
    q, _ = run(session, logits[None], image[None], crf, labels=False)
    assert abs(q[0] - dense_crf(logits, image, crf)).max() <= OP.atol


@FORWARD
def test_keys_of_more_than_32_bits(session, rng):
    """Fine sigmas: the sort needs the high word too."""
    logits, image, _ = picture(rng, 6, 8)
    crf = dataclasses.replace(CRF, bilateral_sigma=1.5, color_sigma=1.0)
    q, state = run(session, logits[None], image[None], crf, labels=False, capacity=300)
    assert abs(q[0] - dense_crf(logits, image, crf)).max() <= OP.atol
    assert state[0, 0] > 48 * 4


def test_a_lattice_beyond_its_capacity_is_reported(session, rng):
    """The highest keys are kept, in every order of threads; the rest is as if it never was."""
    logits, image, _ = picture(rng, 8, 9)
    full = kernels_of(image, CRF)[1][0].near.shape[2]
    room = full // 2
    q, state = run(session, logits[None], image[None], CRF, labels=False, capacity=room)
    assert state.tolist() == [[room, full - room]]
    grid = bilateral_grid(8, 9, CRF.bilateral_sigma, CRF.color_sigma)
    features = bilateral_features(image, CRF.bilateral_sigma, CRF.color_sigma)
    keys, weights = embed(features, grid)
    kept = np.unique(keys)[-room:]
    at = np.minimum(np.searchsorted(kept, keys), room - 1)
    offsets = np.where(kept[at] == keys, at, room).astype(np.uint32)
    weights = np.where(offsets == room, np.float32(0), weights)  # as if they were not there
    lattice = normalised(Lattice(offsets, weights, neighbours(kept, grid)), grid.gain)
    wanted = mean_field(
        logits,
        [kernels_of(image, CRF)[0], (lattice, np.float32(3) * grid.gain)],
        None,
        CRF.iterations,
    )
    assert np.array_equal(q[0].reshape(3, -1).T, wanted[:, :3])


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses(session):
    with pytest.raises(ShapeError, match="batch and capacity"):
        DenseCrfPlan(session, batch=0, shape=(2, 3, 4), crf=CRF)
    with pytest.raises(ShapeError, match="labels"):
        DenseCrfPlan(session, batch=1, shape=(300, 3, 4), crf=CRF)
