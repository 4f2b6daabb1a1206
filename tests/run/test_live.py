"""Live sources: only the newest frame, drops counted, reconnects that end. Nothing is timed."""

import http.server
import threading

import cv2
import numpy as np
import pytest

from edgecv.errors import IoFailed
from edgecv.run import live
from edgecv.run.live import Live


class Camera:
    """A capture that gives what its script says; None breaks it."""

    def __init__(self, values, gate=None):
        self.values, self.gate, self.released = list(values), gate, False

    def get(self, _property):
        return 30.0

    def read(self):
        if self.gate:
            self.gate.wait(10)
        if not self.values:
            return False, None
        return True, np.full((2, 2, 3), self.values.pop(0), np.uint8)

    def release(self):
        self.released = True


def test_only_the_newest_frame_is_kept():
    camera = Camera(range(10))
    source = Live("cam", lambda: None, camera)
    source._thread.join(10)  # all ten were read before anybody looked
    frames = iter(source)
    frame = next(frames)
    assert (frame.index, frame.image[0, 0, 0]) == (9, 9)
    assert source.dropped == 9
    assert frame.time_s > 1e9
    with pytest.raises(IoFailed, match="broke off"):
        next(frames)
    assert camera.released


def test_a_frame_that_is_taken_in_time_is_not_dropped():
    gate = threading.Semaphore(0)
    camera = Camera([1, 2, 3])
    camera.gate = type("Turn", (), {"wait": lambda _, timeout: gate.acquire(timeout=timeout)})()
    source = Live("cam", lambda: None, camera)
    seen = []
    gate.release()
    frames = iter(source)
    for _ in range(3):
        seen.append(next(frames).index)
        gate.release()
    assert seen == [0, 1, 2]
    assert source.dropped == 0
    source.close()


def test_a_stream_reconnects_and_counts_on():
    second = Camera([7, 8])
    attempts = iter([None, second])
    source = Live("rtsp://x", lambda: next(attempts, None), Camera([1]), pauses_s=(0.0, 0.0, 0.0))
    source._thread.join(10)
    frame = next(iter(source))
    assert (frame.index, frame.image[0, 0, 0]) == (2, 8)
    assert second.released


def test_a_stream_that_stays_away_ends():
    asked = []
    source = Live("rtsp://x", lambda: asked.append(1), Camera([]), pauses_s=(0.0, 0.0))
    with pytest.raises(IoFailed, match="source: rtsp://x"):
        next(iter(source))
    assert len(asked) == 2


def test_a_stream_that_opens_but_gives_nothing_ends():
    opened = []
    connect = lambda: opened.append(Camera([])) or opened[-1]  # noqa: E731
    source = Live("rtsp://x", connect, Camera([1]), pauses_s=(0.0, 0.0))
    source._thread.join(10)
    assert not source._thread.is_alive()
    assert len(opened) == 2


class Stream(http.server.BaseHTTPRequestHandler):
    """Motion JPEG: thirty frames a connection, two connections, then no more."""

    JPEG = cv2.imencode(".jpg", np.full((96, 128, 3), 200, np.uint8))[1].tobytes()
    connections = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        Stream.connections += 1
        if Stream.connections > 2:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for _ in range(30):
            kind = f"Content-Type: image/jpeg\r\nContent-Length: {len(self.JPEG)}\r\n\r\n"
            self.wfile.write(b"--frame\r\n" + kind.encode() + self.JPEG + b"\r\n")


def test_a_real_stream_on_loopback_is_read_and_reconnected(monkeypatch):
    monkeypatch.setattr(live, "PAUSES_S", (0.0, 0.0))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        source = live.open_stream(f"http://127.0.0.1:{server.server_port}/camera")
        seen = []
        with pytest.raises(IoFailed, match="broke off"):
            seen.extend(frame.index for frame in source)
    finally:
        server.shutdown()
    # at least the last frame of the second connection was handed out, and none twice
    assert seen[-1] > 30
    assert len(seen) == len(set(seen))
    assert len(seen) + source.dropped == seen[-1] + 1


def test_closing_stops_the_reader():
    class Endless(Camera):
        def read(self):
            return True, np.zeros((2, 2, 3), np.uint8)

    camera = Endless([])
    source = Live("cam", lambda: None, camera)
    next(iter(source))
    source.close()
    assert not source._thread.is_alive()
    assert camera.released


def test_closing_does_not_wait_for_a_reconnect():
    source = Live("rtsp://x", lambda: None, Camera([]), pauses_s=(3600.0,))
    source.close()
    assert not source._thread.is_alive()
