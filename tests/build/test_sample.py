"""The golden input is a held-out picture where there is one, and always the same."""

import numpy as np
import pytest

from edgecv import progress
from edgecv.build.sample import sample_input


def test_without_data_it_is_a_seeded_picture_with_contrast(make_run):
    recipe = make_run().recipe
    first, again = sample_input(recipe, 2), sample_input(recipe, 2)
    assert (first.shape, first.dtype) == ((2, 3, 16, 16), np.float32)
    np.testing.assert_array_equal(first, again)
    assert first.std() > 0.3
    assert not np.array_equal(first[0], first[1])


def test_with_data_it_is_held_out_pictures_in_order(make_run):
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    recipe = make_run("data: {format: digits, train: 4, val: 2}\n").recipe
    three = sample_input(recipe, 3)
    assert not np.array_equal(three[0], three[1])
    np.testing.assert_array_equal(three[0], three[2])  # two pictures, taken in turn
    assert not np.array_equal(three[0], sample_input(make_run().recipe, 1)[0])


def test_data_that_is_not_there_is_said_and_replaced(make_run, capsys):
    progress.set_quiet(False)
    recipe = make_run("data: {format: imagefolder, root: nowhere}\n").recipe
    np.testing.assert_array_equal(sample_input(recipe, 1), sample_input(make_run().recipe, 1))
    assert "a seeded picture" in capsys.readouterr().err
