"""Whole or not at all: under exceptions, kill -9, a full disk and missing permission."""

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from edgecv.errors import FileError, IoFailed, UsageError
from edgecv.files import (
    read_json,
    read_text,
    remove_leftovers,
    sha256_file,
    sha256_json,
    whole_file,
    whole_folder,
    write_json,
    write_text,
)

KILLED = """
import os, signal, sys
from pathlib import Path
from edgecv.files import whole_file, whole_folder
with {how}(Path(sys.argv[1])) as temporary:
    at = temporary if {how} is whole_file else temporary / "manifest.json"
    at.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _kill_while_writing(how, path, root):
    code = KILLED.format(how=how)
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_file_appears_only_when_the_body_succeeds(tmp_path):
    path = tmp_path / "new" / "a.json"
    with whole_file(path) as temporary:
        temporary.write_text("1")
        assert not path.exists()
    assert (path.read_text(), _names(path.parent)) == ("1", ["a.json"])


def test_temporary_keeps_the_suffix_so_that_writers_that_look_at_it_work(tmp_path):
    with whole_file(tmp_path / "golden.npz") as temporary:
        assert temporary.suffix == ".npz"
        temporary.write_bytes(b"1")


def test_failing_body_leaves_the_old_file(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(TypeError, match="data must be str"), whole_file(path) as temporary:
        temporary.write_text(1)  # creates the file, then fails
    assert (path.read_text(), _names(tmp_path)) == ("old", ["a.txt"])


def test_killed_writer_leaves_the_old_file(tmp_path, root):
    path = write_text(tmp_path / "a.txt", "old")
    _kill_while_writing("whole_file", path, root)
    assert path.read_text() == "old"


def test_leftovers_of_one_file_are_removed_and_nothing_else(tmp_path):
    path = tmp_path / "a.pt"
    with whole_file(path) as temporary:
        temporary.write_text("x")
        leftover = temporary.name.replace(".tmp", "f.tmp")
    others = {"a.pt", ".b.12345678.tmp.pt", ".a.tmp"}
    for name in {leftover, *others}:
        (tmp_path / name).write_text("x")
    remove_leftovers(path)
    assert {file.name for file in tmp_path.iterdir()} == others


def test_killed_writer_leaves_the_old_folder(tmp_path, root):
    path = tmp_path / "bundle"
    with whole_folder(path) as temporary:
        (temporary / "manifest.json").write_text("old")
    _kill_while_writing("whole_folder", path, root)
    assert (path / "manifest.json").read_text() == "old"


@contextmanager
def full_disk():
    """Any file larger than 4 KiB fails to grow, as on a full disk (EFBIG instead of ENOSPC).

    Not a fixture: pytest's own log, if it goes to a file, must not be written under the limit.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_full_disk_leaves_the_old_file_and_no_other(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")
    with full_disk(), pytest.raises(IoFailed, match=r"cannot write .*a\.txt\n  reason: "):
        write_text(path, "x" * 10_000)
    assert (path.read_text(), _names(tmp_path)) == ("old", ["a.txt"])


def test_full_disk_leaves_the_old_folder_and_no_other(tmp_path):
    path = tmp_path / "bundle"
    with whole_folder(path) as temporary:
        (temporary / "manifest.json").write_text("old")
    refused = pytest.raises(IoFailed, match="cannot write")
    with full_disk(), refused, whole_folder(path) as temporary:
        (temporary / "engine").write_bytes(bytes(10_000))
    assert (_names(path), _names(tmp_path)) == (["manifest.json"], ["bundle"])


@pytest.mark.parametrize("writer", [whole_file, whole_folder])
def test_unwritable_place_is_an_io_error(tmp_path, writer):
    (tmp_path / "file").write_text("")
    with pytest.raises(IoFailed, match="cannot write"), writer(tmp_path / "file" / "x"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("writer", [whole_file, whole_folder])
def test_folder_without_permission_is_an_io_error(tmp_path, writer):
    tmp_path.chmod(0o500)
    with pytest.raises(IoFailed, match="Permission"), writer(tmp_path / "x") as temporary:
        temporary.write_text("1")


def test_error_about_another_file_is_not_called_a_write_error(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="input"),
        whole_file(tmp_path / "out") as temporary,
    ):
        temporary.write_text((tmp_path / "input").read_text())


def test_closed_pipe_is_not_called_a_write_error(tmp_path):
    with pytest.raises(BrokenPipeError, match="reader left"), whole_file(tmp_path / "out"):
        raise BrokenPipeError("reader left")


def test_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "bundle"
    for name in ("one", "two"):
        with whole_folder(path) as temporary:
            (temporary / "manifest.json").write_text("{}")
            (temporary / name).write_text(name)
    assert (_names(path), _names(tmp_path)) == (["manifest.json", "two"], ["bundle"])


def test_folder_edgecv_did_not_write_is_never_replaced(tmp_path):
    path = tmp_path / "thesis"
    path.mkdir()
    (path / "chapter1.tex").write_text("years of work")
    with pytest.raises(UsageError, match="was not written by edgecv"), whole_folder(path):
        pass
    assert _names(path) == ["chapter1.tex"]


def test_working_folder_is_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "x").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="was not written by edgecv"), whole_folder(tmp_path / "."):
        pass


def test_file_in_the_place_of_a_folder_is_refused(tmp_path):
    path = write_text(tmp_path / "a.txt", "mine")
    with pytest.raises(UsageError, match="a file is in the place"), whole_folder(path):
        pass
    assert path.read_text() == "mine"


def test_json_round_trip_ends_with_a_newline(tmp_path):
    path = write_json(tmp_path / "a.json", {"b": [1, 2.5]})
    assert read_json(path, "table") == {"b": [1, 2.5]}
    assert path.read_text().endswith("}\n")


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert _names(tmp_path) == []


HOSTILE = [
    pytest.param(b"", "is empty", id="empty"),
    pytest.param(b"  \n", "is empty", id="blank"),
    pytest.param(b'{"a": ', "is not valid JSON", id="truncated"),
    pytest.param(b"\xff\xfe\x00", "is not a text file", id="binary"),
    pytest.param(b"[" * 200_000, "is nested too deeply", id="deep"),
    pytest.param(b"[NaN]", "NaN is not JSON", id="nan"),
    pytest.param(b"9" * 5000, "is not valid JSON", id="huge-integer"),
]


@pytest.mark.parametrize(("content", "message"), HOSTILE)
def test_broken_json_is_named(tmp_path, content, message):
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=f"table.*{message}|{message}"):
        read_json(path, "table")


def test_missing_and_folder_are_told_apart(tmp_path):
    with pytest.raises(FileError, match="table not found"):
        read_text(tmp_path / "none", "table")
    with pytest.raises(FileError, match="table is a folder"):
        read_text(tmp_path, "table")


def test_too_large_file_is_not_read(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(FileError, match="too large"):
        read_text(tmp_path / "a", "table")


def test_name_longer_than_the_file_system_takes_is_an_error_of_ours(tmp_path):
    with pytest.raises(IoFailed, match="cannot read table"):
        read_text(tmp_path / ("x" * 300), "table")


def test_digests_are_sha256(tmp_path):
    path = write_text(tmp_path / "a", "abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(path) == known
    assert sha256_json({"b": 1, "a": 2}) == sha256_json(json.loads('{"a": 2,  "b": 1}'))
