import numpy as np
import pytest

from edgecv.data import photographs
from edgecv.errors import MissingPackage


def test_all_are_colour_pictures_and_read_only():
    found = photographs.photographs()
    assert set(found) == {*photographs.TRAIN, *photographs.VAL}
    for image in found.values():
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 300
        assert not image.flags.writeable


def test_no_photograph_is_in_both_splits():
    assert not set(photographs.TRAIN) & set(photographs.VAL)


def test_both_views_of_the_motorcycle_are_on_one_side():
    assert {"motorcycle_left", "motorcycle_right"} <= set(photographs.TRAIN)


def test_pyramid_halves_down_to_64():
    levels = photographs.pyramid("coffee")  # 400 x 600
    assert [level.shape[:2] for level in levels] == [(400, 600), (200, 300), (100, 150)]
    means = [level.mean() for level in levels]
    assert np.ptp(means) < 1


def test_channels_are_bgr():
    blue, _, red = photographs.photograph("retina").mean((0, 1))
    assert red > 1.5 * blue


def test_a_missing_package_names_its_extra():
    with pytest.raises(MissingPackage, match=r"edgecv\[train\]"):
        photographs.package_file("no_such_package", "scikit-image", "data", "astronaut.png")
    with pytest.raises(MissingPackage, match=r"built-in data \(gone.png\)"):
        photographs.package_file("skimage", "scikit-image", "data", "gone.png")
