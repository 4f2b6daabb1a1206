"""One TensorRT build, as the parent process hands it to the child."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """One build.

    Attributes:
        flavour: `tensorrt` or `tensorrt-rtx`.
        model: The typed ONNX file.
        source: The portable form for versions without strong typing; may be missing.
        plan: Where the plan goes.
        options: The recipe's build section.
        batch: (min, opt, max) of a dynamic batch.
        timing_cache: File of the timing cache; empty: none.
        workspace_bytes: Workspace limit; 0: the builder's own.
    """

    flavour: str
    model: str
    source: str
    plan: str
    options: dict[str, Any]
    batch: tuple[int, int, int]
    timing_cache: str = ""
    workspace_bytes: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the child process."""
        return asdict(self)
