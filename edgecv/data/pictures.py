"""Reading pictures from files: the one place where this room meets OpenCV's decoder."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.errors import FileError, IoFailed, MissingPackage

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def opencv() -> ModuleType:
    """The cv2 module.

    Raises:
        MissingPackage: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as err:
        raise MissingPackage(
            "opencv-python-headless", "cpu", needed_for="reading pictures"
        ) from err
    module: ModuleType = cv2
    return module


def read_picture(path: Path) -> npt.NDArray[Any]:
    """Decode an image file, its EXIF orientation applied.

    Args:
        path: A file whose format OpenCV knows.

    Returns:
        (H, W, 3) uint8 BGR; grey files are repeated over the channels, alpha is dropped.

    Raises:
        FileError: the file is missing, empty, or not a picture that can be decoded.
        IoFailed: the file cannot be read.
    """
    cv2 = opencv()
    if not path.is_file():
        raise FileError("picture not found", file=path)
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as err:
        raise IoFailed("cannot read picture", file=path, reason=err.strerror) from err
    if data.size == 0:
        raise FileError("picture is empty", file=path)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as err:
        raise FileError("picture cannot be decoded", file=path, reason=err.err) from err
    if image is None:
        raise FileError("picture cannot be decoded", file=path, size_bytes=data.size)
    picture: npt.NDArray[Any] = image
    return picture
