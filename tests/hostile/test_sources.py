"""`edgecv run` on pictures and videos that are none."""

import pytest


def jpeg(world, share):
    data = world.image("whole.jpg").read_bytes()
    return data[: int(len(data) * share)]


FILES = [  # name, content; exit codes that say the truth
    pytest.param("a.png", lambda w: None, (2,), id="missing"),
    pytest.param("a.png", lambda w: b"", (2,), id="empty-image"),
    pytest.param("a.png", lambda w: b"hello", (2,), id="text-as-image"),
    pytest.param("a.jpg", lambda w: jpeg(w, 0.5), (2,), id="truncated-image"),
    pytest.param("a.png", lambda w: b"\x89PNG\r\n\x1a\n" + bytes(40), (2,), id="header-only"),
    pytest.param("a.mp4", lambda w: b"", (2,), id="empty-video"),
    pytest.param("a.mp4", lambda w: b"\x00\x00\x00 ftypisom" + bytes(99), (2,), id="broken-video"),
    pytest.param("a.xyz", lambda w: b"what is this", (2,), id="unknown-suffix"),
]


@pytest.mark.parametrize(("name", "make", "codes"), FILES)
def test_source_that_is_none_is_refused(world, name, make, codes):
    content = make(world)
    if content is not None:
        world.file(name, content)
    outcome = world.run("run", world.bundle(), world.folder / name, "--save", "out")
    assert outcome.code in codes, outcome.text
    assert "error: " in outcome.text
    assert not [left for left in outcome.left if left.endswith((".png", ".jpg", ".mp4", ".tmp"))]


PLACES = [
    pytest.param("empty/", (2,), id="empty-folder"),
    pytest.param("nothing/*.png", (2,), id="glob-without-a-match"),
    pytest.param("teleport://1", (2,), id="unknown-scheme"),
    pytest.param("v4l2://97", (2, 3), id="no-such-camera"),
    pytest.param("csi://0", (3,), id="camera-without-gstreamer"),
    pytest.param("rtsp://127.0.0.1:9/none", (2, 3, 5), id="stream-nobody-serves"),
]


@pytest.mark.parametrize(("source", "codes"), PLACES)
def test_place_without_pictures_is_refused(world, source, codes):
    (world.folder / "empty").mkdir()
    outcome = world.run("run", world.bundle(), source)
    assert outcome.code in codes, outcome.text
    assert "error: " in outcome.text


def test_a_broken_picture_among_good_ones_is_named(world):
    world.image("set/a.png")
    world.file("set/b.png", b"broken")
    outcome = world.run("run", world.bundle(), "set", "--json")
    assert "b.png" in outcome.text
    assert outcome.code in (0, 2, 5), outcome.text


def test_folder_to_save_to_that_is_a_file_is_refused(world):
    world.file("out", "mine")
    outcome = world.run("run", world.bundle(), world.image(), "--save", "out")
    assert outcome.code in (2, 5), outcome.text
    assert (world.folder / "out").read_text() == "mine"
