"""Pictures and videos small enough to make in a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A red square on blue, (96, 128, 3)."""
    image = np.zeros((96, 128, 3), np.uint8)
    image[:] = (255, 0, 0)
    image[16:48, 32:64] = (0, 0, 255)
    return image


@pytest.fixture
def write_video(tmp_path: Path, photo: np.ndarray) -> Callable[..., Path]:
    """`write_video(name, frames, fourcc)`: a video whose square moves by a pixel a frame."""

    def write(name: str = "clip.avi", frames: int = 30, fourcc: str = "MJPG") -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 10.0, (128, 96))
        assert writer.isOpened()
        for i in range(frames):
            writer.write(np.roll(photo, i % 64, axis=1))
        writer.release()
        return path

    return write
