"""Every .cu of the project: compiles for every device by NVRTC, for the CPU, and is named alone."""

import re
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
