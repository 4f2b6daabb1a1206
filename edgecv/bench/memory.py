"""Peak memory of this process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


class PeakMemory:
    """The most memory this process held since this object was made.

    Linux can forget an earlier peak; elsewhere the peak is that of the process's whole life.

    Attributes:
        scope: "since bench began" or "since the process began".
    """

    def __init__(self) -> None:
        """Forget the peak so far, if this system can."""
        try:
            Path("/proc/self/clear_refs").write_text("5")
            self.scope = "since bench began"
        except OSError:
            self.scope = "since the process began"

    def mib(self) -> float:
        """Peak resident set size in MiB."""
        try:
            text = Path("/proc/self/status").read_text()
            line = next(line for line in text.splitlines() if line.startswith("VmHWM:"))
            return round(int(line.split()[1]) / 1024, 1)
        except (OSError, StopIteration):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
