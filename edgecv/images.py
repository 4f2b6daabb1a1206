"""Image files that a user may have broken: read one whole, or say what is wrong with it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import FileError, IoFailed, MissingPackage

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif"}
)
MAX_PIXELS = 1 << 27  # 400 MB decoded; a small file that claims more is a mistake or an attack


def read_image(path: Path) -> npt.NDArray[Any]:
    """Decode an image file, turned as its EXIF orientation says.

    Grey images get three equal channels, alpha is dropped, 16 bits become 8.

    Returns:
        (H, W, 3) uint8 BGR.

    Raises:
        FileError: the file is missing, empty, truncated, no image OpenCV knows, or larger than
            MAX_PIXELS.
        IoFailed: it cannot be read.
        MissingPackage: OpenCV is not installed.
    """
    if not path.is_file():
        what = "is a folder, not an image file" if path.is_dir() else "not found"
        raise FileError(f"image {what}", file=path)
    try:
        data = path.read_bytes()
    except OSError as err:
        raise IoFailed("cannot read image", file=path, reason=err.strerror) from err
    if not data:
        raise FileError("image file is empty", file=path)
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> npt.NDArray[Any]:
    """Decode an encoded image held in memory; `name` is for the error. See `read_image`."""
    cv2 = opencv()
    size = claimed_size(data)
    if size and size[0] * size[1] > MAX_PIXELS:
        raise FileError(
            "image is larger than edgecv reads",
            file=name,
            size=f"{size[0]} x {size[1]} pixels (height x width)",
            limit_pixels=MAX_PIXELS,
        )
    if _jpeg_is_cut(data):  # OpenCV before 5 fills the rest with grey and says nothing
        raise FileError("image file is truncated", file=name, size_bytes=len(data))
    try:
        with silent_opencv():
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as err:
        raise FileError("image cannot be decoded", file=name, reason=err.err) from err
    if image is None:
        raise FileError(
            "not an image, or a truncated one",
            file=name,
            size_bytes=len(data),
            known_formats=" ".join(sorted(s[1:] for s in SUFFIXES)),
        )
    decoded: npt.NDArray[Any] = image
    return decoded


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Keep OpenCV's own complaints off stderr: ours name the file."""
    logging = getattr(opencv().utils, "logging", None)
    if logging is None:
        yield
        return
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) a PNG, JPEG or BMP header claims; None for other formats."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return int(height), int(width)
    if data[:2] == b"BM" and len(data) >= 26:
        width, height = struct.unpack("<ii", data[18:26])
        return abs(int(height)), abs(int(width))
    for marker, at in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 9 <= len(data):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return int(height), int(width)
    return None


def _jpeg_segments(data: bytes) -> list[tuple[int, int]]:
    """(marker, offset) of the segments up to and including the first scan; [] if no JPEG."""
    found: list[tuple[int, int]] = []
    at = 2
    if data[:2] != b"\xff\xd8":
        return found
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
            continue
        found.append((data[at + 1], at))
        if data[at + 1] == 0xDA:
            break
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return found


def _jpeg_is_cut(data: bytes) -> bool:
    """Whether a JPEG has no end-of-image marker after its first scan began."""
    segments = _jpeg_segments(data)
    if data[:2] != b"\xff\xd8":
        return False
    if not segments or segments[-1][0] != 0xDA:
        return True
    return data.find(b"\xff\xd9", segments[-1][1]) < 0


def opencv() -> Any:
    """The cv2 module; MissingPackage if OpenCV is not installed."""
    try:
        import cv2
    except ImportError as err:
        raise MissingPackage("opencv-python-headless", "cpu", needed_for="reading images") from err
    return cv2
