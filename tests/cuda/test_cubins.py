"""Where a cubin comes from: the bundle, the cache, the compiler; what is broken is made again."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from edgecv.cuda import cubins, nvrtc
from edgecv.cuda.cubins import (
    Cubins,
    cache_folder,
    origin_of,
    precompile,
    read_cubin,
    read_unit,
    write_cubin,
)
from edgecv.cuda.nvrtc import CompileFailed
from edgecv.cuda.session import Session
from edgecv.errors import FileError, MachineError
from tests.cuda.device import install

EXAMPLE = Path(__file__).with_name("example.cu")


class Compiler:
    """NVRTC that writes down what it was asked."""

    def __init__(self, version=(13, 0)):
        self.version, self.asked = version, []

    def compile(self, source, name, headers, options):
        self.asked.append((name, options))
        return b"\x7fELF " + str((len(source), options)).encode()


@pytest.fixture
def compiler(monkeypatch):
    made = Compiler()
    monkeypatch.setattr(cubins, "find_nvrtc", lambda capability="", newest_major=0: made)
    return made


@pytest.fixture
def no_compiler(monkeypatch):
    def refuse(capability="", newest_major=0):
        raise MachineError("no NVRTC")

    monkeypatch.setattr(cubins, "find_nvrtc", refuse)


def test_what_was_compiled_once_is_read(compiler, tmp_path):
    unit = read_unit(EXAMPLE)
    first = Cubins("sm87", 13, cache=tmp_path).find(unit)
    assert Cubins("sm87", 13, cache=tmp_path).find(unit) == first
    assert len(compiler.asked) == 1
    assert compiler.asked[0][1][:3] == ("--gpu-architecture=sm_87", "-std=c++17", "-fmad=false")


def _other_defines(unit, tmp_path, compiler):
    return read_unit(EXAMPLE, {"BLOCK": 32}), "sm87", 13


def _other_header(unit, tmp_path, compiler):
    copy = tmp_path / "copy" / "example.cu"
    copy.parent.mkdir()
    copy.write_text('#include "beside.cuh"\n' + EXAMPLE.read_text())
    (copy.parent / "beside.cuh").write_text('#include "second.cuh"')
    (copy.parent / "second.cuh").write_text("// old")
    Cubins("sm87", 13, cache=tmp_path).find(read_unit(copy))
    (copy.parent / "second.cuh").write_text("// new")
    compiler.asked.pop()
    return read_unit(copy), "sm87", 13


def _other_device(unit, tmp_path, compiler):
    return unit, "sm86", 13


def _other_driver(unit, tmp_path, compiler):
    return unit, "sm87", 12


def _other_nvrtc(unit, tmp_path, compiler):
    compiler.version = (13, 5)
    return unit, "sm87", 13


@pytest.mark.parametrize(
    "change", [_other_defines, _other_header, _other_device, _other_driver, _other_nvrtc]
)
def test_everything_that_shapes_a_cubin_is_in_its_key(compiler, tmp_path, change):
    unit = read_unit(EXAMPLE)
    Cubins("sm87", 13, cache=tmp_path).find(unit)
    unit, capability, major = change(unit, tmp_path, compiler)
    Cubins(capability, major, cache=tmp_path).find(unit)
    assert len(compiler.asked) == 2


@pytest.mark.parametrize("how", ["truncated", "changed", "empty"])
def test_a_broken_entry_is_made_again(compiler, tmp_path, how):
    unit = read_unit(EXAMPLE)
    good = Cubins("sm87", 13, cache=tmp_path).find(unit)
    (entry,) = tmp_path.iterdir()
    data = entry.read_bytes()
    entry.write_bytes({"truncated": data[:-9], "changed": b"\0" + data[1:], "empty": b""}[how])
    assert Cubins("sm87", 13, cache=tmp_path).find(unit) == good
    assert len(compiler.asked) == 2
    assert read_cubin(entry) == good


def test_a_cache_that_cannot_be_written_is_done_without(compiler, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    unit = read_unit(EXAMPLE)
    for folder in (tmp_path / "file" / "below", None):
        assert Cubins("sm87", 13, cache=folder).find(unit)
    assert len(compiler.asked) == 2


def test_a_bundle_needs_no_compiler(compiler, tmp_path, monkeypatch):
    pairs = [EXAMPLE, (EXAMPLE, {"BLOCK": 32})]
    written = precompile(pairs, ["sm86", "sm87"], tmp_path)
    assert len({path.name for path in written}) == 4
    monkeypatch.setattr(cubins, "find_nvrtc", lambda *_: pytest.fail("the compiler was asked"))
    for major in (13, 14):  # a newer driver loads an older cubin
        here = Cubins("sm87", major, stored=tmp_path, cache=None)
        assert here.find(read_unit(EXAMPLE)) != here.find(read_unit(EXAMPLE, {"BLOCK": 32}))


def test_a_bundle_serves_drivers_of_each_major_version_there_is_a_compiler_of(
    compiler, tmp_path, monkeypatch
):
    older = Compiler((12, 9))
    older.capabilities = lambda: ("sm87",)
    monkeypatch.setattr(cubins, "installed", lambda: (older,))
    made = precompile([EXAMPLE], ["sm87", "sm120"], tmp_path)
    assert sorted(path.stem.split("-", 2)[2] for path in made) == [
        "sm120-cuda13",
        "sm87-cuda12",
        "sm87-cuda13",
    ]


@pytest.mark.parametrize(
    ("capability", "major"), [("sm89", 13), ("sm87", 12)], ids=["device", "older-driver"]
)
def test_a_stored_cubin_is_for_its_device_and_not_for_older_drivers(
    compiler, tmp_path, capability, major
):
    precompile([EXAMPLE], ["sm87"], tmp_path)
    Cubins(capability, major, stored=tmp_path, cache=None).find(read_unit(EXAMPLE))
    assert len(compiler.asked) == 2


def test_without_a_cubin_and_a_compiler_it_is_said(no_compiler, tmp_path):
    with pytest.raises(MachineError, match=r"^no NVRTC"):
        Cubins("sm87", 13, cache=tmp_path).find(read_unit(EXAMPLE))
    with pytest.raises(
        MachineError, match=r"(?s)no kernels of example.*fix: build the bundle agai"
    ):
        Cubins("sm87", 13, stored=tmp_path, cache=tmp_path).find(read_unit(EXAMPLE))


def test_only_headers_that_are_included_count():
    names = set(read_unit(EXAMPLE).headers)
    assert names == {"edgecv/half.cuh", "edgecv/order.cuh", "edgecv/types.cuh"}


def test_a_missing_source_is_said(tmp_path):
    with pytest.raises(FileError, match="kernel file is missing"):
        read_unit(tmp_path / "none.cu")


def test_no_path_of_this_machine_is_in_a_cubin(tmp_path):
    source = tmp_path / "mine.cu"
    source.write_text('extern "C" __global__ void mine(int* x) { *x = 1; }')
    unit = read_unit(source, {"A": 1, "B": 0.5, "C": "float"})
    assert str(tmp_path) not in unit.text
    assert unit.options[-3:] == ("-DA=1", "-DB=0.5f", "-DC=float")


def test_a_cubin_names_its_source_and_definitions():
    text = read_unit(EXAMPLE, {"BLOCK": 32}).text
    found = text[text.index("edgecv-origin") :].split(";")[0].strip('"').replace('\\"', '"')
    assert origin_of(found.encode() + b"\0") == ("example.cu", {"BLOCK": 32})
    assert origin_of(b"\x7fELF of somebody else") is None


def test_the_cache_follows_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "edgecv" / "kernels"


def test_a_sealed_cubin_begins_with_what_the_driver_reads(tmp_path):
    write_cubin(tmp_path / "a.cubin", b"\x7fELF machine code")
    assert (tmp_path / "a.cubin").read_bytes().startswith(b"\x7fELF machine code\n")
    assert read_cubin(tmp_path / "a.cubin") == b"\x7fELF machine code"


def test_a_cubin_the_driver_refuses_is_compiled_once_more(monkeypatch, tmp_path):
    """One built for another driver: what is stored is not the last word."""
    unit = read_unit(EXAMPLE)
    write_cubin(tmp_path / unit.stored_name("sm87", 13), b"\x7fELF of another driver")
    install(monkeypatch)
    with Session(cubins=tmp_path).current():
        pass
    here = Session(cubins=tmp_path)
    with here.current():
        assert here.kernels(EXAMPLE).function("example_scale", "Pif")
    monkeypatch.setattr(
        cubins, "find_nvrtc", lambda *_: SimpleNamespace(compile=lambda *_: b"", version=(13, 0))
    )
    other = Session(cubins=tmp_path)
    with other.current(), pytest.raises(MachineError, match="does not load the kernels of example"):
        other.kernels(EXAMPLE)
    other.close()


@pytest.mark.skipif(
    not nvrtc.installed(), reason="no NVRTC on this machine: pip install nvidia-cuda-nvrtc"
)
def test_a_kernel_that_does_not_compile_shows_the_log(monkeypatch, tmp_path):
    source = tmp_path / "bad.cu"
    source.write_text('extern "C" __global__ void bad(int* x) { y = 1; }')
    install(monkeypatch)
    here = Session()
    with here.current(), pytest.raises(CompileFailed, match=r'(?s)bad\.cu.*"y" is undefined'):
        here.kernels(source)
    here.close()
