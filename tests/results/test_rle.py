"""COCO's run lengths against pycocotools, which defines them."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.results.rle import decode, encode

SIZE = (13, 9)


def full(window, corner, size=SIZE):
    picture = np.zeros(size, bool)
    top, left = corner
    picture[top : top + window.shape[0], left : left + window.shape[1]] = window
    return picture


def cases(rng):
    yield np.zeros((0, 0), bool), (3, 3)
    yield np.zeros(SIZE, bool), (0, 0)
    yield np.ones(SIZE, bool), (0, 0)
    yield np.ones((13, 2), bool), (0, 7)  # whole columns join, up to the last pixel
    yield np.ones((1, 1), bool), (12, 8)
    yield np.ones((1, 1), bool), (0, 0)
    for _ in range(30):
        shape = rng.integers(1, 10, 2)
        corner = tuple(int(rng.integers(0, SIZE[i] - min(shape[i], SIZE[i]) + 1)) for i in (0, 1))
        window = rng.random(np.minimum(shape, SIZE)) < rng.choice([0.2, 0.5, 0.9])
        yield window, corner


def test_there_and_back(rng):
    for window, corner in cases(rng):
        assert (decode(encode(window, corner, SIZE)) == full(window, corner)).all()


def test_equals_pycocotools(rng):
    coco = pytest.importorskip("pycocotools.mask")
    for window, corner in cases(rng):
        wanted = coco.encode(np.asfortranarray(full(window, corner), np.uint8))
        told = encode(window, corner, SIZE)
        assert (told["size"], told["counts"]) == (list(SIZE), wanted["counts"].decode())


def test_long_runs_equal_pycocotools():
    coco = pytest.importorskip("pycocotools.mask")
    size = (1080, 1920)
    window = np.ones((900, 700), bool)
    window[200:300, 100:650] = False
    wanted = coco.encode(np.asfortranarray(full(window, (100, 900), size), np.uint8))
    assert encode(window, (100, 900), size)["counts"] == wanted["counts"].decode()


@pytest.mark.parametrize("counts", ["", "5", "0" * 9], ids=["none", "few", "zeros"])
def test_runs_that_do_not_fill_the_picture_are_refused(counts):
    with pytest.raises(ShapeError, match="must fill its picture"):
        decode({"size": [4, 4], "counts": counts})
