"""Video files as a source; one that ends before its time is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgecv.errors import FileError, IoFailed
from edgecv.images import silent_opencv
from edgecv.run.sources import Frame

# Containers round their frame count (duration x rate); less than this is no truncation.
_SLACK_FRAMES = 2
_SLACK_SHARE = 0.02


class Video:
    """A video file. See `edgecv.run.sources.Source`.

    It broke off if fewer frames can be decoded than the container declares, by more than 2 frames
    and more than 2 % (containers that store no count round duration x rate).
    """

    moving = True
    dropped = 0

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            FileError: OpenCV finds no video in it.
        """
        import cv2

        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # its complaints name no file
        self.path, self.name = path, path.stem
        self.unread: list[str] = []
        with silent_opencv():
            self._capture: Any = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise FileError(
                "not a video OpenCV can read, or a truncated one",
                file=path,
                size_bytes=path.stat().st_size,
            )
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps < 1000 else 0.0  # broken headers claim anything
        declared = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total: int | None = declared if declared > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames in order.

        Raises:
            FileError: not a single frame can be decoded.
            IoFailed: the video broke off midway.
        """
        import cv2

        index = 0
        while True:
            with silent_opencv():
                there, image = self._capture.read()
            if not there:
                break
            milliseconds = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
            yield Frame(image, str(self.path), index, round(milliseconds / 1e3, 6))
            index += 1
        if index == 0:
            raise FileError("video holds no frame that can be decoded", file=self.path)
        declared = self.total or 0
        if declared - index > max(_SLACK_FRAMES, _SLACK_SHARE * declared):
            raise IoFailed(
                "video broke off; the frames before are done",
                file=self.path,
                frames_read=index,
                frames_declared=declared,
            )

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()
