"""Progress bars on stderr; results own stdout. Quiet, or not a terminal: no bars."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
_quiet = False


def set_quiet(quiet: bool) -> None:
    """Switch progress bars and notes off (the CLI's --quiet) or on."""
    global _quiet
    _quiet = quiet


def note(text: str) -> None:
    """Print one line of progress on stderr unless quiet."""
    if not _quiet:
        print(text, file=sys.stderr, flush=True)


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` under a progress bar named `label`.

    Args:
        items: Anything iterable; it is consumed once, lazily.
        label: What is being done ("calibrate").
        total: Number of items, when `len()` cannot tell.
    """
    if _quiet or not sys.stderr.isatty():
        if not _quiet:
            note(f"{label} ...")
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    if total is None and isinstance(items, Sized):
        total = len(items)
    yield from rich_track(
        items, description=label, total=total, console=Console(stderr=True), transient=True
    )
