"""Files are written whole or not at all, and are known by their digests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgecv.errors import EdgecvError, FileError, IoFailed, UsageError

_CHUNK = 1 << 20
_MAX_TEXT = 1 << 28  # the largest tables edgecv writes are a few MiB


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
    path = path.absolute()
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as err:
        if _not_ours(err, temporary):
            raise
        raise IoFailed(f"cannot write {path}", reason=err.strerror or str(err)) from err
    finally:
        with suppress(OSError):
            temporary.unlink()


def remove_leftovers(path: Path) -> None:
    """Delete the temporary files that processes killed inside `whole_file(path)` left behind."""
    for leftover in path.absolute().parent.glob(f".{path.stem}.*.tmp{path.suffix}"):
        with suppress(OSError):
            leftover.unlink()


@contextmanager
def whole_folder(path: Path, *, marker: str = "manifest.json") -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it replaces `path` only if the body succeeds.

    A killed process leaves at most a `.NAME.*.tmp` folder (between the two renames also a
    `.NAME.*.old`, the former content), never a half-written `path`.

    Args:
        path: The folder to write.
        marker: An existing folder is replaced only if it is empty or holds this file, so that a
            mistyped `--out` never deletes something else.

    Raises:
        UsageError: `path` is a file, or a folder edgecv did not write.
        IoFailed: writing failed; `path` is then as it was.
    """
    path = path.absolute()
    _require_replaceable(path, marker)
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
        if _not_ours(err, temporary):
            raise
        raise IoFailed(f"cannot write {path}", reason=err.strerror or str(err)) from err
    finally:
        if old.exists() and not path.exists():
            os.replace(old, path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _require_replaceable(path: Path, marker: str) -> None:
    if not path.name:
        raise UsageError("the root folder cannot be written as a whole", folder=path)
    if path.is_dir() and not (path / marker).is_file() and any(path.iterdir()):
        raise UsageError(
            "the folder exists and was not written by edgecv, so it is not replaced",
            folder=path,
            lacks=marker,
            fix="choose another folder, or remove this one",
        )
    if path.exists() and not path.is_dir():
        raise UsageError("a file is in the place of the folder to write", file=path)


def _not_ours(err: OSError, temporary: Path) -> bool:
    """Whether an error inside the body was about something else than the file being written."""
    if isinstance(err, EdgecvError | ConnectionError):
        return True
    if not isinstance(err.filename, str | os.PathLike):
        return False
    about = Path(err.filename).absolute()
    return not (about.is_relative_to(temporary) or temporary.is_relative_to(about))


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
    text = read_text(path, what)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as err:
        raise FileError(f"{what} is not valid JSON", file=path, line=err.lineno) from err
    except ValueError as err:  # NaN, or an integer of thousands of digits
        raise FileError(f"{what} is not valid JSON", file=path, problem=err) from err
    except RecursionError as err:
        raise FileError(f"{what} is nested too deeply to be one", file=path) from err


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def read_text(path: Path, what: str, *, limit_bytes: int = _MAX_TEXT) -> str:
    """Read a UTF-8 text file that a user may have broken.

    Raises:
        FileError: the file is missing, a folder, empty, larger than `limit_bytes`, or not text.
        IoFailed: it exists but cannot be read.
    """
    try:
        if path.is_dir():
            raise FileError(f"{what} is a folder, not a file", folder=path)
        if not path.is_file():
            raise FileError(f"{what} not found", file=path)
        if path.stat().st_size > limit_bytes:
            raise FileError(f"{what} is too large to be one", file=path, limit_bytes=limit_bytes)
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise FileError(f"{what} is not a text file", file=path, byte=err.start) from err
    except OSError as err:
        raise IoFailed(f"cannot read {what}", file=path, reason=err.strerror) from err
    if not text.strip():
        raise FileError(f"{what} is empty", file=path)
    return text
