"""train.jsonl: one JSON object a line, in the order of the steps, without repeats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from edgecv.errors import IoFailed
from edgecv.files import write_text


class Journal:
    """Appends records to a file, each flushed; resuming drops what is past the checkpoint."""

    def __init__(self, path: Path, steps_done: int) -> None:
        """Keep the records of the first `steps_done` steps and open the file for more.

        Raises:
            IoFailed: the folder cannot be written.
        """
        kept = "".join(f"{line}\n" for line in _records(path) if _step(line) <= steps_done)
        write_text(path, kept)
        self._file = path.open("a", encoding="utf-8")

    def write(self, record: Mapping[str, object]) -> None:
        """Append one record; it must hold "step", the number of steps done.

        Raises:
            IoFailed: the disk is full.
        """
        try:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
        except OSError as err:
            raise IoFailed("cannot write the training log", reason=err.strerror) from err

    def __enter__(self) -> Journal:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()


def _records(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _step(line: str) -> float:
    """The record's step; a line that a killed process left half written is past every step."""
    try:
        record = json.loads(line)
        return float(record["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
