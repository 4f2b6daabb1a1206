"""The runtime: a bundle becomes a callable, pre-processing, engine and decoding in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load(bundle: str | Path, *, threads: int = 0, streams: int = 1) -> Any:
    """Open a bundle as a callable (lands with the engines)."""
    raise NotImplementedError
