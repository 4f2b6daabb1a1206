"""NVRTC by ctypes: found, asked what it can, its errors shown. It needs no GPU."""

import pytest

from edgecv.cuda import nvrtc
from edgecv.cuda.nvrtc import CompileFailed, find_nvrtc
from edgecv.errors import MachineError

KERNEL = 'extern "C" __global__ void one(float* x) { x[0] = 1.0f; }'

needs_nvrtc = pytest.mark.skipif(
    not nvrtc.installed(), reason="no NVRTC on this machine: pip install nvidia-cuda-nvrtc"
)


@needs_nvrtc
def test_a_kernel_becomes_a_cubin():
    found = find_nvrtc("sm87")
    assert "sm87" in found.capabilities()
    cubin = found.compile(KERNEL, "one.cu", {}, ("--gpu-architecture=sm_87",))
    assert cubin.startswith(b"\x7fELF")
    assert b"one" in cubin


@needs_nvrtc
def test_headers_are_passed_in_memory():
    source = '#include "room/one.cuh"\nextern "C" __global__ void k(int* x) { *x = ONE; }'
    headers = {"room/one.cuh": "#define ONE 1"}
    assert find_nvrtc().compile(source, "k.cu", headers, ("--gpu-architecture=sm_87",))


@needs_nvrtc
def test_an_error_shows_the_log_with_its_line():
    broken = KERNEL.replace("x[0]", "\n y[0]")
    with pytest.raises(CompileFailed, match=r'one.cu\(2\): error: identifier "y" is undefined'):
        find_nvrtc().compile(broken, "one.cu", {}, ("--gpu-architecture=sm_87",))


class Fake:
    def __init__(self, version, *known):
        self.version, self.known, self.path = version, known, f"/opt/{version[0]}"

    def capabilities(self):
        return self.known


NEW, OLD = Fake((13, 5), "sm75", "sm87", "sm120"), Fake((12, 6), "sm53", "sm72", "sm87")


@pytest.mark.parametrize(
    ("capability", "driver", "want"),
    [("sm87", 0, NEW), ("sm87", 13, NEW), ("sm87", 12, OLD), ("sm72", 13, OLD)],
)
def test_the_first_that_fits_driver_and_device_is_taken(monkeypatch, capability, driver, want):
    monkeypatch.setattr(nvrtc, "installed", lambda: (NEW, OLD))
    assert find_nvrtc(capability, driver) is want


@pytest.mark.parametrize(("have", "told"), [((), "none"), ((NEW,), r"13\.5")])
def test_without_one_that_fits_the_fix_is_said(monkeypatch, have, told):
    monkeypatch.setattr(nvrtc, "installed", lambda: have)
    with pytest.raises(MachineError, match=f"(?s)found: {told}.*nvidia-cuda-nvrtc-cu12"):
        find_nvrtc("sm87", 12)
