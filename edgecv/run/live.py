"""Live sources: a reader thread keeps only the newest frame, and reconnects streams that drop.

A frame waiting when a newer one arrives is dropped and counted: what is drawn is what is there
now, however slow the network. Streams: 5 s to open, 5 s without a frame counts as broken; then up
to 5 attempts to reconnect, after 1, 2, 4, 8 and 8 s, until a frame arrives. Devices are not
reopened: they are unplugged.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edgecv.errors import IoFailed, MachineError, UsageError
from edgecv.images import silent_opencv
from edgecv.progress import note
from edgecv.run.capabilities import require_gstreamer
from edgecv.run.sources import Frame

TIMEOUT_MS = 5000
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 8.0)

# Jetson's camera: the ISP's output leaves NVMM as BGR; appsink keeps one frame
_CSI = (
    "nvarguscamerasrc sensor-id={index} ! video/x-raw(memory:NVMM), format=NV12 ! "
    "nvvidconv ! video/x-raw, format=BGRx ! videoconvert ! video/x-raw, format=BGR ! "
    "appsink drop=1 max-buffers=1 sync=false"
)

Connect = Callable[[], Any]  # -> an opened cv2.VideoCapture, or None


class Live:
    """A camera or stream. See `edgecv.run.sources.Source`."""

    moving = True

    def __init__(
        self, name: str, connect: Connect, capture: Any, pauses_s: tuple[float, ...] = ()
    ) -> None:
        """Start reading.

        Args:
            name: What the source is called in results.
            connect: Opens the source again.
            capture: The source, opened.
            pauses_s: Seconds to wait before each attempt to reconnect; none: broken is broken.
        """
        self.name, self.dropped = name, 0
        self.unread: list[str] = []
        self.total: int | None = None
        rate = float(capture.get(5))  # cv2.CAP_PROP_FPS
        self.fps = rate if 0 < rate < 1000 else 0.0
        self._connect, self._capture, self._pauses_s = connect, capture, pauses_s
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._frame: Frame | None = None
        self._broken = False
        self._thread = threading.Thread(target=self._read, name=f"read {name}", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame each time, until the source breaks.

        Raises:
            IoFailed: it broke, and did not come back.
        """
        while True:
            with self._news:
                self._news.wait_for(lambda: self._frame is not None or self._broken)
                frame, self._frame = self._frame, None
            if frame is None:
                raise IoFailed("source broke off; the frames before are done", source=self.name)
            yield frame

    def close(self) -> None:
        """Stop the reader and release the device."""
        self._stop.set()
        self._thread.join(timeout=2 * TIMEOUT_MS / 1e3)

    def _read(self) -> None:
        index, pauses = 0, iter(self._pauses_s)
        try:
            while not self._stop.is_set():
                there, image = self._capture.read()
                if there:
                    self._hand_over(Frame(image, self.name, index, time.time()))
                    index, pauses = index + 1, iter(self._pauses_s)
                elif not self._reconnect(pauses):
                    break
        finally:
            self._capture.release()
            with self._news:
                self._broken = True
                self._news.notify_all()

    def _hand_over(self, frame: Frame) -> None:
        with self._news:
            self.dropped += self._frame is not None
            self._frame = frame
            self._news.notify_all()

    def _reconnect(self, pauses: Iterator[float]) -> bool:
        """Use up `pauses` until the source opens; a frame, not opening, is what renews them."""
        self._capture.release()
        for pause in pauses:
            note(f"{self.name} broke off; trying again in {pause:g} s")
            if self._stop.wait(pause):
                return False
            capture = self._connect()
            if capture is not None:
                self._capture = capture
                return True
        return False


def open_device(rest: str) -> Live:
    """A V4L2 camera by number or device path.

    Raises:
        MachineError: there is no such device, or it cannot be opened.
    """
    import cv2

    path = Path(rest if rest.startswith("/") else f"/dev/video{rest or 0}")
    here = " ".join(sorted(str(p) for p in Path("/dev").glob("video*"))) or "none"
    if not path.exists():
        raise MachineError("no such camera", device=path, here=here)

    def connect() -> Any:
        return _opened(cv2.VideoCapture(str(path), cv2.CAP_V4L2))

    capture = connect()
    if capture is None:
        raise MachineError(
            "camera cannot be opened: busy, or no permission",
            device=path,
            fix=f"fuser {path}; sudo usermod -aG video $USER",
        )
    return Live(f"v4l2://{path}", connect, capture)


def open_stream(address: str) -> Live:
    """An RTSP or HTTP stream; see the module's docstring for its timeouts.

    Raises:
        IoFailed: it cannot be reached.
    """
    import cv2

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC]

    def connect() -> Any:
        with silent_opencv():
            return _opened(cv2.VideoCapture(address, cv2.CAP_FFMPEG, [*limits, TIMEOUT_MS]))

    capture = connect()
    name = _without_password(address)
    if capture is None:
        raise IoFailed("stream cannot be opened", source=name, timeout_ms=TIMEOUT_MS)
    return Live(name, connect, capture, PAUSES_S)


def open_csi(rest: str) -> Live:
    """A Jetson CSI camera by its sensor number.

    Raises:
        UsageError: `rest` is no number.
        MachineError: OpenCV has no GStreamer, or the camera cannot be opened.
    """
    if not (rest or "0").isdecimal():
        raise UsageError("a CSI camera is csi://NUMBER", got=f"csi://{rest}")
    return open_pipeline(_CSI.format(index=int(rest or 0)), name=f"csi://{rest or 0}")


def open_pipeline(pipeline: str, *, name: str = "gstreamer") -> Live:
    """A GStreamer pipeline that ends in an appsink (one is added if it does not).

    Raises:
        MachineError: OpenCV has no GStreamer, or the pipeline does not start.
    """
    import cv2

    require_gstreamer(f"the source {name if name != 'gstreamer' else pipeline!r}")
    if "appsink" not in pipeline:
        pipeline += " ! videoconvert ! video/x-raw, format=BGR ! appsink drop=1 max-buffers=1"

    def connect() -> Any:
        return _opened(cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER))

    capture = connect()
    if capture is None:
        raise MachineError(
            "GStreamer pipeline does not start",
            pipeline=pipeline,
            fix=f"gst-launch-1.0 {pipeline.rpartition('appsink')[0]} fakesink",
        )
    return Live(name, connect, capture)


def _opened(capture: Any) -> Any:
    if capture.isOpened():
        return capture
    capture.release()
    return None


def _without_password(address: str) -> str:
    scheme, mark, rest = address.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}{mark}{user.split(':')[0] + at if at else ''}{host}"
