"""What TensorRT logs while engines run: one logger a process, which is never let go.

TensorRT keeps the pointer of the first logger it is given, in its plugin registry for good, and
uses no other while any of its objects lives. Two engines with a logger each would end in a call of
one that is gone, so every engine of a process gets the same.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Any

from edgecv.engines.trt_api import is_error, make_logger

_PLACE = "_edgecv_error_log"
_KEPT = 50  # lines
_SHOWN = 1000  # characters of them in an error


class ErrorLog:
    """The lines TensorRT logged as errors in this process.

    Attributes:
        logger: The ILogger that a runtime is made with.
    """

    def __init__(self, trt: Any) -> None:
        """`trt` is TensorRT's module."""
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._count, self._lock = 0, Lock()  # TensorRT logs from threads of its own too
        self.logger = make_logger(trt, self._take)

    def mark(self) -> int:
        """Where the log ends now; see `since`."""
        return self._count

    def since(self, mark: int) -> str:
        """The errors logged after `mark`, in one line; says so if there are none."""
        with self._lock:
            lines = list(self._lines)[-(self._count - mark) :] if self._count > mark else []
        return " | ".join(lines)[-_SHOWN:] or "nothing was logged"

    def _take(self, severity: str, message: str) -> None:
        if is_error(severity):
            with self._lock:
                self._lines.append(message.strip())
                self._count += 1


def error_log(trt: Any) -> ErrorLog:
    """The log of a TensorRT module: made once, and kept in the module, to live as long."""
    log: ErrorLog = vars(trt).setdefault(_PLACE, ErrorLog(trt))
    return log
