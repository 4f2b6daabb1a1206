"""Files are written whole or not at all, and are known by their digests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgecv.errors import FileError, IoFailed

_CHUNK = 1 << 20


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file's bytes, read in pieces (flat memory)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Hex sha256 of a JSON value in canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place only if the body succeeds.

    Raises:
        IoFailed: the folder cannot be written or the disk is full; `path` is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as err:
        if isinstance(err, IoFailed):
            raise
        raise IoFailed(f"cannot write {path}", reason=err.strerror or str(err)) from err
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it replaces `path` only if the body succeeds.

    A killed process leaves at most a `.NAME.*.tmp` folder, never a half-written `path`.

    Raises:
        IoFailed: writing failed; `path` is then as it was.
    """
    token = uuid.uuid4().hex[:8]
    temporary = path.with_name(f".{path.name}.{token}.tmp")
    old = path.with_name(f".{path.name}.{token}.old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            os.replace(path, old)
        os.replace(temporary, path)
    except OSError as err:
        if isinstance(err, IoFailed):
            raise
        raise IoFailed(f"cannot write {path}", reason=err.strerror or str(err)) from err
    finally:
        if old.exists() and not path.exists():
            os.replace(old, path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> Path:
    """Write `text` as UTF-8, whole or not at all; return `path`."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write a JSON value, indented, whole or not at all; return `path`."""
    return write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file that a user may have broken.

    Args:
        path: The file.
        what: What the file is, for the error ("calibration table").

    Raises:
        FileError: the file is missing, empty, or not JSON.
    """
    try:
        return json.loads(read_text(path, what))
    except json.JSONDecodeError as err:
        raise FileError(f"{what} is not valid JSON", file=path, line=err.lineno) from err
    except RecursionError as err:
        raise FileError(f"{what} is nested too deeply to be one", file=path) from err


def read_text(path: Path, what: str) -> str:
    """Read a UTF-8 text file that a user may have broken; same errors as `read_json`."""
    if not path.is_file():
        raise FileError(f"{what} not found", file=path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise FileError(f"{what} is not a text file", file=path, byte=err.start) from err
    except OSError as err:
        raise IoFailed(f"cannot read {what}", file=path, reason=err.strerror) from err
    if not text.strip():
        raise FileError(f"{what} is empty", file=path)
    return text
