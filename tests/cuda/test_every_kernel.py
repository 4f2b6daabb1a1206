"""Every .cu of the project: compiles for every device by NVRTC, for the CPU, and is named alone."""

import re
import struct
from collections import Counter
from pathlib import Path

import pytest

from edgecv.cuda import nvrtc
from edgecv.cuda.cubins import PACKAGE, origin_of, read_unit
from tests.cuda_emulator import emulator

SOURCES = sorted(PACKAGE.rglob("*.cu"))
DEVICES = ("sm75", "sm80", "sm86", "sm87", "sm89", "sm90", "sm110", "sm120")
EXAMPLE = Path(__file__).with_name("example.cu")


def _called(path):
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name


@pytest.mark.parametrize("source", [EXAMPLE, *SOURCES], ids=_called)
@pytest.mark.parametrize("device", DEVICES)
def test_it_compiles_by_nvrtc(source, device):
    known = [one for one in nvrtc.installed() if device in one.capabilities()]
    if not known:
        have = ", ".join(".".join(map(str, one.version)) for one in nvrtc.installed()) or "none"
        pytest.skip(f"no NVRTC here compiles for {device} (installed: {have})")
    unit = read_unit(source)
    cubin = unit.compile(known[0], device)
    inside = set(re.findall(rb"\.text\.(\w+)\0", cubin))
    assert inside == {name.encode() for name in emulator.kernel_names(source)}
    assert origin_of(cubin) == (_called(source), {})


REGISTERS, WARP = 65536, 32  # of a multiprocessor, sm75 and later


def _resources(cubin):
    """Registers a thread and bytes of static shared memory of each kernel, from the ELF file."""
    start, (count, names) = (
        struct.unpack_from("<Q", cubin, 40)[0],
        struct.unpack_from("<HH", cubin, 60),
    )
    sections = [struct.unpack_from("<IIQQQQIIQQ", cubin, start + 64 * i) for i in range(count)]
    found: dict[str, dict[str, int]] = {}
    for section in sections:
        at = sections[names][4] + section[0]
        name = cubin[at : cubin.index(b"\0", at)].decode()
        if name.startswith(".text."):
            found.setdefault(name[6:], {})["registers"] = section[7] >> 24
        if name.startswith(".nv.shared.") and not name.startswith(".nv.shared.reserved"):
            found.setdefault(name[11:], {})["shared"] = section[5]
    return found


@pytest.mark.parametrize("source", SOURCES, ids=_called)
@pytest.mark.parametrize("device", ["sm75", "sm87"])
def test_its_blocks_fit_into_a_multiprocessor(source, device):
    """A block of 1024 threads, or of as many as `__launch_bounds__` says, gets its registers."""
    known = [one for one in nvrtc.installed() if device in one.capabilities()]
    if not known:
        pytest.skip(f"no NVRTC here compiles for {device}")
    bounds = emulator.launch_bounds(source)
    for name, used in _resources(read_unit(source).compile(known[0], device)).items():
        most = bounds.get(name, 1024)
        warp = -(-used["registers"] * WARP // 256) * 256  # given in portions of 256
        assert used["registers"] > 0
        assert warp * (most // WARP) <= REGISTERS, f"{name}: {used}, {most} threads"
        assert used.get("shared", 0) <= 48 << 10, f"{name}: {used}"


@pytest.mark.parametrize("source", SOURCES, ids=_called)
def test_its_kernels_are_named_after_the_file_or_its_room(source):
    names = emulator.kernel_names(source)
    assert names, 'no `extern "C" __global__` function found'
    prefixes = (source.stem, source.parent.name)
    assert not [name for name in names if not name.startswith(prefixes)]


def test_kernel_names_are_unique_in_the_project():
    count = Counter(name for source in SOURCES for name in emulator.kernel_names(source))
    assert not [name for name, times in count.items() if times > 1]


@pytest.mark.parametrize("header", sorted((PACKAGE / "cuda/include").rglob("*.cuh")), ids=_called)
def test_a_header_stands_alone(header, tmp_path):
    """Included first and twice, by NVRTC: it brings what it needs, and guards itself."""
    if not nvrtc.installed():
        pytest.skip("no NVRTC on this machine: pip install nvidia-cuda-nvrtc")
    name = header.relative_to(PACKAGE / "cuda/include").as_posix()
    source = tmp_path / "alone.cu"
    kernel = 'extern "C" __global__ void alone(int* x) { *x = 1; }\n'
    source.write_text(f'#include "{name}"\n#include "{name}"\n{kernel}')
    assert read_unit(source).compile(nvrtc.find_nvrtc("sm87"), "sm87")
