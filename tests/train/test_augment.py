import numpy as np
import pytest

from edgecv.data import Sample
from edgecv.errors import UnknownName
from edgecv.train.augment import AUGMENTATIONS, PAD, choose, flip, scale, shift

GEOMETRIC = ("flip", "shift", "scale", "crop")


class Fixed:
    """A generator that draws what the test says."""

    def __init__(self, *draws):
        self.draws = list(draws)

    def random(self, *_):
        return self.draws.pop(0)

    uniform = random


@pytest.fixture
def sample(rng):
    boxes = np.array([[2, 4, 12, 14], [20, 10, 30, 28]], np.float32)
    image = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
    return Sample(image=image, id="a", boxes=boxes, ids=np.array([3, 5]))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_same_generator_gives_the_same_sample(sample, name):
    (augment,) = choose([name])
    first, second = (augment(sample, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.boxes, second.boxes)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_it_changes_the_picture_and_never_the_sample_it_was_given(sample, name):
    before, changed = sample.image.copy(), 0
    (augment,) = choose([name])
    for seed in range(8):
        result = augment(sample, np.random.default_rng(seed))
        changed += not np.array_equal(result.image, before)
        assert result.image.dtype == np.uint8
    assert changed >= 2
    np.testing.assert_array_equal(sample.image, before)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_boxes_stay_on_what_they_framed(name):
    """A white rectangle on black: wherever it goes, its box is still exactly around it."""
    image = np.zeros((60, 80, 3), np.uint8)
    image[20:35, 30:52] = 255
    box = np.array([[30, 20, 52, 35]], np.float32)
    sample = Sample(image=image, id="a", boxes=box, ids=np.array([0]))
    (augment,) = choose([name])
    for seed in range(12):
        moved = augment(sample, np.random.default_rng(seed))
        rows, columns = np.nonzero(moved.image[:, :, 0] == 255)
        if rows.size == 0:
            assert len(moved.boxes) == 0
            continue
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(moved.boxes, [seen])


@pytest.mark.parametrize("name", [n for n in AUGMENTATIONS if n not in GEOMETRIC])
def test_colour_leaves_the_boxes_alone(sample, name):
    (augment,) = choose([name])
    result = augment(sample, np.random.default_rng(1))
    np.testing.assert_array_equal(result.boxes, sample.boxes)
    assert result.image.shape == sample.image.shape


def test_flip_by_hand(sample):
    flipped = flip(sample, Fixed(0.9))
    np.testing.assert_array_equal(flipped.boxes, [[28, 4, 38, 14], [10, 10, 20, 28]])
    np.testing.assert_array_equal(flipped.image[:, 0], sample.image[:, -1])
    assert flip(sample, Fixed(0.1)) is sample


def test_shift_pads_with_grey_and_marks_what_is_mostly_gone(sample):
    moved = shift(sample, Fixed(np.array([0.25, 0.0])))  # ten of forty pixels to the left
    assert (moved.image[:, 30:] == PAD).all()
    np.testing.assert_array_equal(moved.boxes, [[0, 4, 2, 14], [10, 10, 20, 28]])
    assert moved.crowd.tolist() == [True, False]
    np.testing.assert_array_equal(moved.ids, [3, 5])


def test_an_object_that_left_is_dropped(sample):
    moved = shift(sample, Fixed(np.array([0.4, 0.0])))
    np.testing.assert_array_equal(moved.ids, [5])
    assert len(moved.boxes) == len(moved.crowd) == 1


def test_scale_keeps_the_aspect_ratio(sample):
    nearer = scale(sample, Fixed(np.log(0.75), (0.5, 0.5)))
    assert nearer.image.shape == (24, 30, 3)


def test_unknown_name_lists_the_nearest():
    with pytest.raises(
        UnknownName, match=r"unknown augmentation 'brightnes'\n  nearest: brightness"
    ):
        choose(["flip", "brightnes"])
