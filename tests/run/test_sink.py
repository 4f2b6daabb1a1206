"""Where results go: lines at once, pictures whole, a video under its name when it is closed."""

import json
import os

import cv2
import numpy as np
import pytest

from edgecv.errors import IoFailed
from edgecv.run.sink import Sink


def frames_of(video):
    capture = cv2.VideoCapture(str(video))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def test_a_size_that_changes_starts_a_new_video(photo, tmp_path):
    with Sink(tmp_path, "cam", moving=True, fps=0) as sink:
        sink.picture(photo, "cam")
        sink.picture(photo[:48], "cam")
    assert [path.name for path in sink.files] == ["results.jsonl", "cam.mp4", "cam-2.mp4"]
    assert [frames_of(path) for path in sink.files[1:]] == [1, 1]


def test_a_video_that_the_disk_cut_short_is_told(photo, tmp_path):
    sink = Sink(tmp_path, "cam", moving=True, fps=10)
    sink.picture(photo, "cam")
    sink._video.frames += 5  # as if five writes had not reached the disk
    with pytest.raises(IoFailed, match=r"(?s)disk full.*frames stored: 1"):
        sink.close()
    assert frames_of(tmp_path / "cam.mp4") == 1


def test_lines_are_there_at_once(tmp_path):
    with Sink(tmp_path / "out", "x", moving=False, fps=0) as sink:
        sink.line({"frame": 0, "text": "ä"})
        sink.line({"frame": 1})
        rows = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
        assert [json.loads(row) for row in rows] == [{"frame": 0, "text": "ä"}, {"frame": 1}]
    with pytest.raises(ValueError, match="Out of range float"):
        Sink(tmp_path / "nan", "x", moving=False, fps=0).line({"score": float("nan")})


def test_pictures_keep_their_names_and_kinds(photo, tmp_path):
    with Sink(tmp_path, "x", moving=False, fps=0) as sink:
        for source in ("a/x.PNG", "b/x.png", "c/x.jpg", "d/x.tiff", "e/x"):
            sink.picture(photo, source)
    names = ["results.jsonl", "x.png", "x-2.png", "x.jpg", "x-3.png", "x-4.png"]
    assert [path.name for path in sink.files] == names
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    assert np.array_equal(cv2.imread(str(tmp_path / "x-4.png")), photo)


def test_what_is_there_under_another_name_stays(photo, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "results.jsonl").write_text("old\n")
    with Sink(tmp_path, "x", moving=False, fps=0) as sink:
        sink.picture(photo, "mine.png")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "results.jsonl").read_text() == ""


@pytest.mark.parametrize(("fps", "wanted"), [(10.0, 10.0), (0.0, 25.0)])
def test_a_video_has_the_sources_rate_and_no_name_until_it_is_closed(photo, tmp_path, fps, wanted):
    sink = Sink(tmp_path, "cam", moving=True, fps=fps)
    for _ in range(3):
        sink.picture(photo, "cam")
    assert not (tmp_path / "cam.mp4").exists()
    sink.close()
    capture = cv2.VideoCapture(str(tmp_path / "cam.mp4"))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(wanted)
    assert (frames_of(tmp_path / "cam.mp4"), sorted(os.listdir(tmp_path))) == (
        3,
        ["cam.mp4", "results.jsonl"],
    )


def test_a_video_is_closed_by_an_error_too(photo, tmp_path):
    def interrupted():
        with Sink(tmp_path, "cam", moving=True, fps=10) as sink:
            sink.picture(photo, "cam")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert frames_of(tmp_path / "cam.mp4") == 1


def test_what_cannot_be_written_is_told(photo, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(IoFailed, match=r"(?s)cannot write .*results\.jsonl"):
        Sink(tmp_path / "file" / "out", "x", moving=False, fps=0)
    sink = Sink(tmp_path, "x", moving=False, fps=0)
    monkeypatch.setattr(cv2, "imencode", lambda *_: (False, None))
    with pytest.raises(IoFailed, match="cannot encode picture"):
        sink.picture(photo, "a.png")
