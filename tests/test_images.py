"""Image files: whatever a user may hand over is read whole or refused with a reason."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from edgecv.errors import FileError
from edgecv.images import claimed_size, read_image

FORMATS = [".jpg", ".png", ".bmp", ".webp", ".tiff", ".ppm"]


@pytest.fixture(scope="module")
def photo():
    """A smooth picture, wider than high."""
    noise = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def encoded(photo, suffix):
    return cv2.imencode(suffix, photo)[1].tobytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_reads_bgr(tmp_path, photo, suffix):
    file = tmp_path / f"päth with space{suffix}"
    file.write_bytes(encoded(photo, suffix))
    image = read_image(file)
    assert image.shape == (60, 90, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - photo).mean() < 4


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("suffix", FORMATS)
def test_refuses_a_truncated_file(tmp_path, photo, suffix, keep):
    data = encoded(photo, suffix)
    file = tmp_path / f"cut{suffix}"
    file.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FileError, match=r"truncated|decoded|larger"):
        read_image(file)


def test_a_cut_jpeg_is_seen_without_the_decoder(tmp_path, photo, monkeypatch):
    """OpenCV before 5 decodes it and fills the rest with grey."""
    data = encoded(photo, ".jpg")
    file = tmp_path / "cut.jpg"
    file.write_bytes(data[:-10])
    monkeypatch.setattr(cv2, "imdecode", lambda *_: photo)
    with pytest.raises(FileError, match="image file is truncated"):
        read_image(file)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path, photo):
    file = tmp_path / "trailing.jpg"
    file.write_bytes(encoded(photo, ".jpg") + b"\0" * 100)
    assert read_image(file).shape == (60, 90, 3)


def test_gray_has_three_channels(tmp_path, photo):
    file = tmp_path / "gray.png"
    file.write_bytes(encoded(photo[:, :, 0], ".png"))
    image = read_image(file)
    assert image.shape == (60, 90, 3)
    assert (image == image[:, :, :1]).all()


def _png(width, height):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 99)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


BAD = [
    pytest.param(b"", "is empty", id="empty"),
    pytest.param(b"hello, this is text", "not an image", id="text"),
    pytest.param(b"\xff\xd8\xff", "truncated", id="jpeg-start"),
    pytest.param(_png(60_000, 60_000), "larger than edgecv reads", id="bomb"),
    pytest.param(_png(20_000, 20_000), "larger than edgecv reads", id="small-bomb"),
]


@pytest.mark.parametrize(("data", "says"), BAD)
def test_refuses_what_is_no_picture(tmp_path, data, says):
    file = tmp_path / "picture.jpg"
    file.write_bytes(data)
    with pytest.raises(FileError, match=says):
        read_image(file)


def test_says_when_there_is_no_file(tmp_path):
    with pytest.raises(FileError, match="not found"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(FileError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_header_tells_the_size(photo, suffix):
    assert claimed_size(encoded(photo, suffix)) == (60, 90)


def test_random_bytes_never_crash_the_header_reader(rng):
    for start in (b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b""):
        for _ in range(200):
            claimed_size(start + rng.bytes(int(rng.integers(0, 60))))
