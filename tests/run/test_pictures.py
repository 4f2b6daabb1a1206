"""Pictures as a source: one that cannot be read does not stop the others."""

import cv2
import pytest

from edgecv.errors import FileError, IoFailed
from edgecv.run.pictures import Pictures


@pytest.fixture
def files(tmp_path, photo):
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path in paths:
        cv2.imwrite(str(path), photo)
    return paths


def test_pictures_come_in_the_order_given(files, photo):
    source = Pictures("three", files[::-1])
    assert (source.name, source.total, source.moving, source.fps) == ("three", 3, False, 0.0)
    frames = list(source)
    assert [frame.source for frame in frames] == [str(path) for path in files[::-1]]
    assert [(frame.index, frame.time_s) for frame in frames] == [(0, None), (1, None), (2, None)]
    assert (frames[0].image == photo).all()
    assert source.unread == []


def test_one_that_cannot_be_read_is_left_out_and_told_at_the_end(files):
    files[1].write_bytes(b"no picture")
    source, seen = Pictures("three", files), []
    with pytest.raises(IoFailed, match=r"(?s)unread: 1 of 3.*b\.png"):
        seen.extend((frame.index, frame.source) for frame in source)
    assert seen == [(0, str(files[0])), (2, str(files[2]))]
    assert len(source.unread) == 1


def test_the_only_one_is_an_error_at_once(files):
    files[0].write_bytes(b"no picture")
    with pytest.raises(FileError, match="not an image"):
        list(Pictures("a", files[:1]))


def test_one_that_went_away_is_left_out_too(files):
    files[2].unlink()
    with pytest.raises(IoFailed, match=r"unread: 1 of 3"):
        list(Pictures("three", files))
