"""Video files as a source: every frame with its time, and an end before its time is told."""

import cv2
import pytest

from edgecv.errors import FileError, IoFailed
from edgecv.run.sources import open_source
from edgecv.run.video import Video


@pytest.mark.parametrize(("name", "fourcc"), [("a.avi", "MJPG"), ("a.mp4", "mp4v")])
def test_a_video_gives_every_frame_with_its_time(write_video, name, fourcc):
    source = open_source(str(write_video(name, 30, fourcc)))
    assert isinstance(source, Video)
    assert (source.name, source.total, source.fps, source.moving) == ("a", 30, 10, True)
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time_s for frame in frames[:3]] == pytest.approx([0, 0.1, 0.2])
    assert frames[0].image.shape == (96, 128, 3)


def test_a_video_that_breaks_off_gives_its_frames_first(write_video):
    path = write_video("a.avi", 40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    seen = []
    with pytest.raises(IoFailed, match=r"(?s)broke off.*frames declared: 40"):
        seen.extend(frame.index for frame in open_source(str(path)))
    assert 5 < len(seen) < 36
    assert seen == list(range(len(seen)))


def test_an_mp4_without_its_end_is_refused(write_video):
    path = write_video("a.mp4", 30, "mp4v")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(FileError, match="not a video OpenCV can read"):
        open_source(str(path))


class Capture:
    """A decoder that declares one count and gives another."""

    def __init__(self, *, declared, there, fps=10.0):
        self.there, self.released = there, False
        self.facts = {cv2.CAP_PROP_FRAME_COUNT: declared, cv2.CAP_PROP_FPS: fps}

    def isOpened(self):
        return True

    def get(self, what):
        return self.facts.get(what, 0.0)

    def read(self):
        self.there -= 1
        return self.there >= 0, "image"

    def release(self):
        self.released = True


def opened(monkeypatch, tmp_path, **facts):
    capture = Capture(**facts)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _path: capture)
    return Video(tmp_path / "a.mp4"), capture


@pytest.mark.parametrize(
    ("declared", "there", "whole"),
    [
        pytest.param(10, 8, True, id="two-of-ten"),
        pytest.param(10, 7, False, id="three-of-ten"),
        pytest.param(1000, 980, True, id="two-percent"),
        pytest.param(1000, 979, False, id="more-than-two-percent"),
        pytest.param(0, 5, True, id="no-count"),
        pytest.param(10, 12, True, id="more-than-declared"),
    ],
)
def test_less_than_containers_round_is_no_truncation(monkeypatch, tmp_path, declared, there, whole):
    video, _ = opened(monkeypatch, tmp_path, declared=declared, there=there)
    assert video.total == (declared or None)
    seen = []
    if whole:
        seen.extend(video)
    else:
        with pytest.raises(IoFailed, match=rf"(?s)read: {there}.*declared: {declared}"):
            seen.extend(video)
    assert len(seen) == there


@pytest.mark.parametrize(("claimed", "fps"), [(29.97, 29.97), (0, 0), (-1, 0), (90000, 0)])
def test_a_rate_that_cannot_be_is_none(monkeypatch, tmp_path, claimed, fps):
    video, capture = opened(monkeypatch, tmp_path, declared=1, there=1, fps=claimed)
    assert video.fps == fps
    video.close()
    assert capture.released


def test_a_video_without_a_frame_is_refused(monkeypatch, tmp_path):
    video, _ = opened(monkeypatch, tmp_path, declared=10, there=0)
    with pytest.raises(FileError, match="no frame that can be decoded"):
        list(video)
