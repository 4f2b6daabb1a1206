"""The benchmarked picture has the asked size, with and without the photographs' package."""

import numpy as np
import pytest

from edgecv.bench.source import source_frame
from edgecv.errors import MissingPackage


@pytest.mark.parametrize("size", [(108, 192), (1080, 1920), (300, 100)], ids=str)
def test_a_photograph_of_any_size(size):
    frame, name = source_frame(size)
    assert frame.shape == (*size, 3)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    assert name == "photograph coffee"


def test_noise_where_there_are_no_photographs(monkeypatch):
    def missing(_name):
        raise MissingPackage("scikit-image", "train", needed_for="photographs")

    monkeypatch.setattr("edgecv.data.photographs.photograph", missing)
    frame, name = source_frame((90, 160))
    assert (frame.shape, name) == ((90, 160, 3), "smooth noise")
