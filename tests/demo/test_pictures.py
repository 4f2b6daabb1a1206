import cv2
import numpy as np

from edgecv.demo.pictures import PICTURE, pan, write_pictures
from edgecv.recipe import Data

SCENES = Data(format="scenes", seed=3)


def test_pan_stays_inside_and_moves_smoothly():
    path = pan(75, 100, index=1)
    assert path.shape == (75, 2)
    assert path.min() >= 0
    assert path.max() <= 100
    steps = np.abs(np.diff(path, axis=0))
    assert 0 < steps.max() < 10


def test_pictures_are_reproducible_and_kept(tmp_path):
    first = write_pictures(tmp_path / "a", 2, SCENES)
    again = write_pictures(tmp_path / "b", 2, SCENES)
    other = write_pictures(tmp_path / "c", 2, SCENES.model_copy(update={"seed": 4}))
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    assert first[0].read_bytes() != other[0].read_bytes()
    assert cv2.imread(str(first[0])).shape == (PICTURE, PICTURE, 3)
    first[1].write_bytes(b"mine")
    write_pictures(tmp_path / "a", 2, SCENES)
    assert first[1].read_bytes() == b"mine"
