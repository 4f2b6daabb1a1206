"""Where frames come from: one word on the command line becomes an iterator of frames."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from edgecv.errors import FileError, UnknownName
from edgecv.images import SUFFIXES

SCHEMES = ("v4l2", "rtsp", "rtsps", "http", "https", "csi")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        source: File, address or device it came from.
        index: Its number within `source`, from 0; numbers missing in a live source were dropped.
        time_s: Seconds from the start of a video, or since the epoch for a live source; None for
            a picture.
    """

    image: npt.NDArray[Any]
    source: str
    index: int
    time_s: float | None


class Source(Protocol):
    """An open source; iterate once, then close.

    Attributes:
        name: Short name that output files are called after.
        moving: Whether its frames make a video (else each is a picture of its own).
        fps: Frames a second, where known and moving; else 0.
        total: Number of frames, where known; else None.
        dropped: Frames that were never handed out because a newer one was there.
        unread: Error texts of pictures that could not be read and were left out.
    """

    name: str
    moving: bool
    fps: float
    total: int | None
    dropped: int
    unread: list[str]

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames; raise IoFailed where the source breaks off."""
        ...

    def close(self) -> None:
        """Release files, devices and threads."""
        ...


def open_source(text: str) -> Source:
    """Open what a user calls a source.

    An image, a folder of images, a glob pattern, a video file, `v4l2://0` (or just `0`),
    `rtsp://...`, `http(s)://...`, `csi://0`, or a GStreamer pipeline (anything with ` ! `).

    Raises:
        FileError: the file or folder is missing, empty, or nothing OpenCV can read.
        UnknownName: an unknown `scheme://`.
        MachineError: the device, or the OpenCV it needs, is not here.
        IoFailed: a stream cannot be reached.
    """
    if " ! " in text:
        from edgecv.run.live import open_pipeline

        return open_pipeline(text)
    scheme = _SCHEME.fullmatch(text)
    if scheme and not Path(text).exists():
        return _open_scheme(text, scheme.group(1).lower(), scheme.group(2))
    if text.isdecimal() and not Path(text).exists():
        return _open_scheme(text, "v4l2", text)
    return _open_path(text)


def _open_scheme(text: str, scheme: str, rest: str) -> Source:
    from edgecv.run import live

    if scheme == "v4l2":
        return live.open_device(rest)
    if scheme == "csi":
        return live.open_csi(rest)
    if scheme in SCHEMES:
        return live.open_stream(text)
    raise UnknownName("source scheme", f"{scheme}://", [f"{known}://" for known in SCHEMES])


def _open_path(text: str) -> Source:
    from edgecv.run.pictures import Pictures
    from edgecv.run.video import Video

    path = Path(text)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        if not files:
            raise FileError(
                "folder holds no images",
                folder=path,
                known=" ".join(sorted(SUFFIXES)),
                fix=f"for those of its folders: '{path}/*/*'"
                if any(p.is_dir() for p in path.iterdir())
                else "",
            )
        return Pictures(path.resolve().name, files)
    if path.exists():
        if path.is_file() and path.stat().st_size == 0:
            raise FileError("source is an empty file", file=path)
        is_image = path.suffix.lower() in SUFFIXES
        return Pictures(path.stem, [path]) if is_image else Video(path)
    if glob.has_magic(text):
        files = [Path(name) for name in sorted(glob.glob(text, recursive=True))]
        files = [file for file in files if file.suffix.lower() in SUFFIXES and file.is_file()]
        if not files:
            raise FileError("no image matches the pattern", pattern=text)
        return Pictures("pictures", files)
    raise FileError("source not found", source=text)
