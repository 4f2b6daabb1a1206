"""The fake driver shows no name that pycuda lacks."""

import struct
from pathlib import Path

import numpy as np
import pytest

from edgecv.cuda import nvrtc
from tests.cuda.device import install, open_session
from tests.cuda.fake_launch import FakeFunction, FakeModule
from tests.cuda.fake_pycuda import NAMES

EXAMPLE = Path(__file__).with_name("example.cu")
FOR_TESTS = {  # what only tests look at; the package never does
    "module": "NAMES loaded log capability integrated order sources device_memory host_memory "
    "capacity streams retained stacks memory depth clock read write submit finish "
    "default device_bytes reachable require_current",
    "Stream": "submit drain drain_until capture",
    "Event": "drain recorded capture stream marker",
    "PagelockedHostAllocation": "address",
}


def _public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.fixture
def fake(monkeypatch):
    fake = install(monkeypatch)
    fake.Device(0).retain_primary_context().push()
    return fake


def test_nothing_is_shown_that_pycuda_lacks(fake):
    things = {
        "module": fake,
        "Device": fake.Device(0),
        "Context": fake.Context,
        "Stream": fake.Stream(1),
        "Event": fake.Event(),
        "Module": FakeModule,
        "Function": FakeFunction,
        "DeviceAllocation": fake.mem_alloc(4),
        "PagelockedHostAllocation": fake.pagelocked_empty(4, "uint8").base,
        "device_attribute": fake.device_attribute,
        "function_attribute": fake.function_attribute,
        "host_alloc_flags": fake.host_alloc_flags,
    }
    assert set(things) == set(NAMES)
    for kind, thing in things.items():
        strange = _public(thing) - NAMES[kind] - set(FOR_TESTS.get(kind, "").split())
        assert not strange, kind


@pytest.mark.parametrize(
    ("name", "told"), [("mem_alloc_async", "nor has any"), ("memset_d32", "the fake lacks it")]
)
def test_a_name_that_is_not_there_raises(fake, name, told):
    with pytest.raises(AttributeError, match=told):
        getattr(fake, name)


def test_kernels_run_where_there_is_no_nvrtc(monkeypatch):
    monkeypatch.setattr(nvrtc, "installed", tuple)
    with open_session("forward", monkeypatch) as session:
        kernel = session.kernels(EXAMPLE).function("example_scale", "Pif")
        array, stream = session.upload(np.ones(4, np.float32)), session.stream()
        kernel.launch(stream, (1,), (4,), array, 4, 2.0)
        np.testing.assert_array_equal(session.download(array), 2)


def test_a_launch_on_freed_memory_is_refused(monkeypatch):
    with open_session("forward", monkeypatch) as session:
        kernel = session.kernels(EXAMPLE).function("example_scale", "Pif")
        address, stream = session.empty((4,), "float32"), session.stream()
        number = address.address
        address.free()
        with pytest.raises(session._driver.LaunchError, match="argument 0 points to no live"):
            kernel.launch(stream, (1,), (4,), number, 4, 2.0)
        with pytest.raises(session._driver.LogicError, match="invalid argument"):
            kernel.launch(stream, (0,), (4,), 0, 4, 2.0)
        with pytest.raises(session._driver.LogicError, match="named symbol not found"):
            session.kernels(EXAMPLE).function("example_none", "P")


@pytest.mark.parametrize("name", ["stream_begin_capture", "graph_launch", "GraphExec"])
def test_pycuda_has_no_graphs(name):
    """Why graphs go through libcuda by ctypes. When this fails, pycuda has learnt it."""
    assert not [known for known in NAMES["module"] | NAMES["Stream"] if name in known]


def test_the_list_is_true_of_the_installed_pycuda():
    """Where pycuda and a driver are; seen true of 2026.1, imported over a driver of stubs."""
    real = pytest.importorskip("pycuda.driver", exc_type=ImportError)
    for kind, names in NAMES.items():
        thing = real if kind == "module" else getattr(real, kind)
        assert not names - set(dir(thing)), kind


def test_arguments_are_laid_out_as_a_kernel_takes_them():
    """pycuda packs with its own struct; the emulator one by one, at C's alignments."""
    packing = pytest.importorskip("pycuda._pvt_struct", exc_type=ImportError)
    for codes, values in [("PiPq", (1, 2, 3, 4)), ("iP", (1, 2)), ("IfP", (1, 2.5, 3))]:
        assert packing.pack(codes, *values) == struct.pack(codes, *values)
