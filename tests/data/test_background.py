import numpy as np

from edgecv.data import photographs
from edgecv.data.background import add_noise, background


def test_a_square_cut_of_the_photograph(rng):
    image = background(photographs.pyramid("coffee"), 96, rng)
    assert image.shape == (96, 96, 3)
    assert image.std() > 5
    other = background(photographs.pyramid("coffee"), 96, rng)
    assert not np.array_equal(image, other)


def test_larger_than_the_photograph_is_enlarged(rng):
    assert background(photographs.pyramid("chelsea"), 700, rng).shape == (700, 700, 3)


def test_photographs_are_never_written_to(rng):
    before = photographs.photograph("grass").copy()
    for _ in range(5):
        background(photographs.pyramid("grass"), 64, rng)[:] = 0
    assert np.array_equal(before, photographs.photograph("grass"))


def test_noise_has_at_most_the_given_deviation(rng):
    deviations = []
    for _ in range(40):
        image = np.full((64, 64, 3), 128, np.uint8)
        add_noise(image, 8.0, rng)
        deviations.append(image.std())
    assert max(deviations) < 8.5
    assert min(deviations) < 2 < 6 < max(deviations)


def test_no_noise_changes_nothing(rng):
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    before = image.copy()
    add_noise(image, 0.0, rng)
    assert np.array_equal(image, before)
