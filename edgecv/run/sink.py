"""Where results go: annotated pictures or a video, and results.jsonl with one line a frame.

Lines are flushed as they are written. Pictures are written whole; a video grows in a hidden file
and gets its name when it is closed, which an interrupt does too, so that it can be played.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgecv.errors import IoFailed
from edgecv.files import whole_file

Array = npt.NDArray[Any]
_WRITABLE = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_FPS = 25.0  # where the source does not say


class Sink:
    """One folder of output. Use as a context manager: leaving it closes every file."""

    def __init__(self, folder: Path, name: str, *, moving: bool, fps: float) -> None:
        """Make the folder and start results.jsonl.

        Args:
            folder: Where everything goes; what is there under other names stays.
            name: What a video is called.
            moving: Whether frames become a video (else pictures).
            fps: Frames a second of the video; 0: 25.

        Raises:
            IoFailed: the folder cannot be written.
        """
        self.folder = folder
        self._name, self._moving, self._fps = name, moving, fps or _FPS
        self._used: set[str] = set()
        self._video: _VideoFile | None = None
        path = folder / "results.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lines = path.open("w", encoding="utf-8")
        except OSError as err:
            raise IoFailed(f"cannot write {path}", reason=err.strerror) from err
        self.files: list[Path] = [path]

    def __enter__(self) -> Sink:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every file, whatever happened."""
        self.close()

    def line(self, row: dict[str, Any]) -> None:
        """Append one line to results.jsonl.

        Raises:
            IoFailed: the disk is full.
        """
        try:
            self._lines.write(json.dumps(row, allow_nan=False) + "\n")
            self._lines.flush()
        except OSError as err:
            raise IoFailed("cannot write results.jsonl", reason=err.strerror) from err

    def picture(self, canvas: Array, source: str) -> None:
        """Write an annotated frame: a picture called after `source`, or the video's next frame.

        Args:
            canvas: (H, W, 3) uint8 BGR.
            source: The file it came from.

        Raises:
            IoFailed: writing failed.
        """
        if not self._moving:
            self._write_picture(canvas, Path(source))
            return
        if self._video is None or self._video.size != canvas.shape[:2]:
            self._end_video()  # a camera that came back with another size starts a new file
            path = self.folder / self._unused(self._name, ".mp4")
            self._video = _VideoFile(path, canvas.shape[:2], self._fps)
        self._video.write(canvas)

    def close(self) -> None:
        """Close every file.

        Raises:
            IoFailed: the video could not be finished.
        """
        self._lines.close()
        self._end_video()

    def _end_video(self) -> None:
        video, self._video = self._video, None
        if video is not None:
            self.files.append(video.finish())

    def _write_picture(self, canvas: Array, source: Path) -> None:
        import cv2

        suffix = source.suffix.lower() if source.suffix.lower() in _WRITABLE else ".png"
        path = self.folder / self._unused(source.stem, suffix)
        done, data = cv2.imencode(suffix, canvas)
        if not done:
            raise IoFailed("cannot encode picture", file=path)
        with whole_file(path) as temporary:
            temporary.write_bytes(data.tobytes())
        self.files.append(path)

    def _unused(self, stem: str, suffix: str) -> str:
        """`stem.suffix`, numbered if this run wrote one of that name already."""
        name, number = f"{stem}{suffix}", 2
        while name in self._used:
            name, number = f"{stem}-{number}{suffix}", number + 1
        self._used.add(name)
        return name


class _VideoFile:
    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        import cv2

        self.path, self.size, self.frames = path, size, 0
        self._temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.tmp.mp4")
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")  # in every OpenCV build; H.264 is not
        self._writer = cv2.VideoWriter(str(self._temporary), fourcc, fps, size[::-1])
        if not self._writer.isOpened():
            raise IoFailed(
                "cannot write a video here: no permission, or no MPEG-4 encoder",
                file=path,
                size=f"{size[0]} x {size[1]} pixels (height x width)",
            )

    def write(self, canvas: Array) -> None:
        self._writer.write(canvas)
        self.frames += 1

    def finish(self) -> Path:
        """Close the file and give it its name.

        Raises:
            IoFailed: fewer frames are in it than were written: OpenCV does not tell a full disk.
        """
        import cv2

        self._writer.release()
        check = cv2.VideoCapture(str(self._temporary))
        stored = int(check.get(cv2.CAP_PROP_FRAME_COUNT)) if check.isOpened() else 0
        check.release()
        try:
            if stored == 0:
                self._temporary.unlink(missing_ok=True)
            else:
                os.replace(self._temporary, self.path)
        except OSError as err:
            raise IoFailed(f"cannot write {self.path}", reason=err.strerror) from err
        if stored < self.frames:
            raise IoFailed(
                "video is incomplete: is the disk full?",
                file=self.path,
                frames_stored=stored,
                frames_written=self.frames,
            )
        return self.path
