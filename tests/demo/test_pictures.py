import cv2
import numpy as np
import pytest

from edgecv.demo import pictures
from edgecv.demo.pictures import PICTURE, pan, write_pictures, write_video
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


def test_a_video_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "WORLDS", 1)
    monkeypatch.setattr(pictures, "SECONDS_EACH", 1)

    def interrupted(frames, room, index):
        yield from pan(frames, room, index)[:3]
        raise KeyboardInterrupt("enough")

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "pan", interrupted)
        with pytest.raises(KeyboardInterrupt, match="enough"):
            write_video(tmp_path / "demo" / "scenes.mp4", SCENES)
    assert list((tmp_path / "demo").iterdir()) == []
    video = write_video(tmp_path / "demo" / "scenes.mp4", SCENES)
    assert [path.name for path in video.parent.iterdir()] == ["scenes.mp4"]
    assert cv2.VideoCapture(str(video)).read()[1].shape == (PICTURE, PICTURE, 3)
