"""One word becomes a source: the right kind, in the right order, or a clear error."""

import cv2
import pytest

from edgecv.errors import EdgecvError, FileError, IoFailed, MachineError, UnknownName, UsageError
from edgecv.run import live
from edgecv.run.pictures import Pictures
from edgecv.run.sources import open_source


@pytest.fixture
def folder(tmp_path, photo):
    """Three pictures, and things that are none."""
    inside = tmp_path / "pictures"
    (inside / "sub.jpg").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "c.PNG"):
        cv2.imwrite(str(inside / name), photo)
    (inside / "notes.txt").write_text("no picture")
    return inside


def names(source):
    return [frame.source.rpartition("/")[2] for frame in source]


def test_a_folder_gives_its_pictures_by_name(folder):
    source = open_source(str(folder))
    assert isinstance(source, Pictures)
    assert (source.name, source.total, source.moving) == ("pictures", 3, False)
    assert names(source) == ["a.jpg", "b.png", "c.PNG"]


def test_a_pattern_gives_what_it_matches(folder):
    assert names(open_source(f"{folder}/[bc].*")) == ["b.png", "c.PNG"]
    assert names(open_source(f"{folder.parent}/**/a.*")) == ["a.jpg"]


def test_a_picture(folder, photo):
    (frame,) = open_source(str(folder / "b.png"))
    assert (frame.image == photo).all()
    assert (frame.index, frame.time_s) == (0, None)


def test_a_name_with_brackets_is_a_file_first(tmp_path, photo):
    file = tmp_path / "shot[1].png"
    cv2.imwrite(str(file), photo)
    assert names(open_source(str(file))) == ["shot[1].png"]


BAD = [
    pytest.param("no/such.jpg", FileError, "source not found", id="missing"),
    pytest.param("no/such/*.jpg", FileError, "no image matches", id="no-match"),
    pytest.param("gopher://cam", UnknownName, "unknown source scheme 'gopher://'", id="scheme"),
    pytest.param("csi://left", UsageError, "csi://NUMBER", id="csi-name"),
    pytest.param("v4l2://97", MachineError, "no such camera", id="camera"),
    pytest.param("97", MachineError, "/dev/video97", id="camera-number"),
]


@pytest.mark.parametrize(("text", "error", "says"), BAD)
def test_refuses(text, error, says):
    with pytest.raises(error, match=says):
        open_source(text)


FILES = [
    pytest.param("clip.mp4", b"", "empty file", id="empty-video"),
    pytest.param("clip.mp4", b"this is text, not a video\n" * 50, "not a video", id="text-video"),
    pytest.param("list.txt", b"hello\n", "not a video", id="text"),
    pytest.param("a.jpg", b"hello\n", "not an image", id="text-picture"),
    pytest.param(
        "list.m3u8",
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n",
        "not a video",
        id="playlist-to-the-network",
    ),
]


@pytest.mark.parametrize(("name", "data", "says"), FILES)
def test_refuses_a_file_that_is_none(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FileError, match=says):
        list(open_source(str(tmp_path / name)))


def test_refuses_a_folder_without_pictures(tmp_path):
    with pytest.raises(FileError, match="folder holds no images") as caught:
        open_source(str(tmp_path))
    assert not caught.value.fix
    (tmp_path / "cat").mkdir()
    with pytest.raises(FileError, match=r"fix: for those of its folders: '.*/\*/\*'"):
        open_source(str(tmp_path))


@pytest.mark.parametrize("text", ["csi://0", "videotestsrc ! videoconvert ! appsink"])
def test_gstreamer_is_probed_and_the_fix_told(text, monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:      NO\n")
    with pytest.raises(MachineError, match=r"(?s)GStreamer: NO.*fix: .*python3-opencv") as told:
        open_source(text)
    assert told.value.exit_code == 3


class Closed:
    """A capture that did not open."""

    def isOpened(self):
        return False

    def release(self):
        pass


def test_gstreamer_gets_the_cameras_pipeline(monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:      YES (1.20.3)\n")
    asked = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda *args: asked.append(args) or Closed())
    with pytest.raises(MachineError, match="pipeline does not start"):
        open_source("csi://1")
    assert asked[0][0].startswith("nvarguscamerasrc sensor-id=1 !")
    assert asked[0][1] == cv2.CAP_GSTREAMER


def test_a_pipeline_without_an_appsink_gets_one(monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:      YES (1.20.3)\n")
    asked = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda *args: asked.append(args) or Closed())
    with pytest.raises(MachineError, match="pipeline does not start"):
        open_source("videotestsrc ! identity")
    assert asked[0][0].endswith("appsink drop=1 max-buffers=1")


def test_an_unreachable_stream_is_told_without_its_password(monkeypatch):
    asked = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda *args: asked.append(args) or Closed())
    with pytest.raises(IoFailed, match="stream cannot be opened") as told:
        open_source("rtsp://me:secret@10.0.0.1/x")
    assert "secret" not in str(told.value)
    assert "rtsp://me@10.0.0.1/x" in str(told.value)
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5000]
    assert asked == [("rtsp://me:secret@10.0.0.1/x", cv2.CAP_FFMPEG, timeouts)]
    assert live.TIMEOUT_MS == 5000


def test_every_refusal_is_a_users_error():
    assert all(issubclass(case.values[1], EdgecvError) for case in BAD)
