"""The CUDA room against a fake pycuda: what is allocated is freed, errors become ours."""

import sys
import threading
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from edgecv.cuda import session as room
from edgecv.cuda.session import Session
from edgecv.errors import MachineError, MissingPackage, ShapeError
from tests.cuda.device import install, log_of

one_order = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)
fake_only = pytest.mark.parametrize("session", ["forward"], indirect=True)


@pytest.fixture
def cuda(monkeypatch):
    return install(monkeypatch)


@one_order
def test_bytes_go_to_the_device_and_back(session, rng):
    values = rng.standard_normal((2, 3)).astype(np.float32)
    stream, array = session.stream(), session.empty((2, 3), "float32")
    there, back = session.pinned((2, 3), "float32"), session.pinned((2, 3), "float32")
    there[:] = values
    array.upload(there, stream)
    array.download(back, stream)
    stream.synchronize()
    np.testing.assert_array_equal(back, values)
    np.testing.assert_array_equal(session.download(array.view((6,), "float32")), values.ravel())
    copy = session.zeros((2, 3), "float32")
    copy.copy_from(array, stream)
    array.fill(stream)
    np.testing.assert_array_equal(session.download(copy), values)
    np.testing.assert_array_equal(session.download(array), 0)


@fake_only
def test_a_result_is_not_there_before_somebody_waits(session):
    """What makes the fake worth having: a missing synchronisation shows."""
    array, host = session.upload(np.ones(4, np.float32)), session.pinned((4,), "float32")
    host[:] = 7
    stream = session.stream()
    array.download(host, stream)
    np.testing.assert_array_equal(host, 7)
    assert not stream.done()
    stream.synchronize()
    np.testing.assert_array_equal(host, 1)


@one_order
def test_mapped_memory_is_one_memory(session):
    mapped = session.mapped((4,), "int32")
    mapped.host[:] = 3
    session.synchronize()
    copy = session.empty((4,), "int32")
    copy.copy_from(mapped.device, session.stream())
    np.testing.assert_array_equal(session.download(copy), 3)


@one_order
def test_events_order_streams_and_time_them(session):
    first, second = session.stream(), session.stream()
    begin, end, array = session.event(), session.event(), session.zeros((4,), "uint8")
    begin.record(first)
    array.fill(first, 5)
    end.record(first)
    second.wait(end)
    host = session.pinned((4,), "uint8")
    array.download(host, second)
    second.synchronize()
    np.testing.assert_array_equal(host, 5)
    assert end.done()
    assert end.ms_since(begin) >= 0


@one_order
def test_memory_is_counted_and_freed_once(session):
    array = session.empty((10,), "float32")
    view = array.view((5,), "float32")
    assert (session.allocated_bytes, view.nbytes) == (40, 20)
    view.free()
    assert session.allocated_bytes == 40
    array.free()
    array.free()
    assert (session.allocated_bytes, session.peak_bytes) == (0, 40)
    for dead in (array, view):
        with pytest.raises(ValueError, match="after it was freed"):
            _ = dead.address


@one_order
def test_an_empty_array_is_an_array(session):
    array = session.upload(np.empty((0, 4), np.float32))
    assert (array.nbytes, array.shape) == (0, (0, 4))
    assert array.address
    assert session.download(array).shape == (0, 4)
    array.upload(session.pinned((0, 4), "float32"), session.stream())
    assert session.mapped((), "int32").host.shape == ()


@one_order
@pytest.mark.parametrize(
    ("host", "told"),
    [
        (np.zeros(4, np.float64), "size and type"),
        (np.zeros(3, np.float32), "size and type"),
        (np.zeros((4, 2), np.float32)[:, 0], "must be contiguous"),
    ],
    ids=["type", "size", "strides"],
)
def test_a_host_array_must_fit(session, host, told):
    array = session.empty((4,), "float32")
    with pytest.raises(ShapeError, match=told):
        array.upload(host, session.stream())
    with pytest.raises(ShapeError, match="at most as large"):
        array.view((5,), "float32")


@one_order
def test_foreign_device_memory_is_adopted_without_a_copy(session):
    array = session.upload(np.arange(6, dtype=np.float32).reshape(2, 3))
    facts = array.__cuda_array_interface__
    assert (facts["shape"], facts["typestr"], facts["version"]) == ((2, 3), "<f4", 3)
    foreign = SimpleNamespace(__cuda_array_interface__={**facts, "strides": (12, 4)})
    seen = session.adopt(foreign)
    assert seen.address == array.address
    np.testing.assert_array_equal(session.download(seen), [[0, 1, 2], [3, 4, 5]])
    foreign.__cuda_array_interface__["strides"] = (4, 8)
    with pytest.raises(ShapeError, match="must be contiguous"):
        session.adopt(foreign)
    with pytest.raises(ShapeError, match="not an array in device memory"):
        session.adopt(np.zeros(3))


@fake_only
def test_misuse_of_device_memory_is_refused_as_by_a_driver(session):
    array, stream = session.empty((4,), "float32"), session.stream()
    error = session._driver.LogicError
    pageable = np.zeros(4, np.float32)
    with pytest.raises(error, match="not page-locked"):
        array.upload(pageable, stream)
    address = array.address
    array.free()
    with pytest.raises(error, match="memory that was freed"):
        session._driver.memset_d8(address, 0, 4)
    with pytest.raises(error, match="outside any allocation"):
        session._driver.memset_d8(0x10, 0, 4)


@pytest.mark.parametrize(("at", "told"), [(21, "after .* offset 5 from its end"), (-3, "before")])
def test_writing_beside_an_allocation_is_found(cuda, at, told):
    here = Session()
    with here.current():
        array = here.empty((4,), "float32")
    zone = cuda.device_memory._zones[array.address]
    zone[array.address - zone.ctypes.data + at] = 0
    with pytest.raises(cuda.LogicError, match=f"written {told}"):
        cuda.finish()


def test_an_unpinned_array_is_freed_with_its_last_reference(cuda):
    here = Session()
    with here.current():
        first, mapped = here.pinned((4,), "float32"), here.mapped((4,), "float32")
        assert len(cuda.host_memory.live) == 2
        here.unpin(first)
        here.unpin(mapped.host)
        assert len(cuda.host_memory.live) == 2
        del first, mapped
        assert len(cuda.host_memory.live) == 0
    here.close()


def test_pinned_memory_in_a_cycle_goes_before_the_context_does(cuda):
    """pycuda cannot free it later: its destructor needs the context."""
    here, holder = Session(), {}
    with here.current():
        holder["self"], holder["array"] = holder, here.pinned((4,), "float32")
    del holder
    left = []
    detach = here._context.detach
    here._context.detach = lambda: (left.extend(cuda.host_memory.live), detach())
    here.close()
    assert left == []


def test_free_memory_is_asked_of_the_driver(cuda):
    here = Session()
    with here.current():
        array = here.empty((1,), "uint8")
        assert here.free_bytes() == (8 << 30) - 1
        array.free()
    here.close()


def test_a_device_that_is_not_there_is_said(cuda):
    with pytest.raises(MachineError, match="invalid device ordinal"):
        Session(3)


def test_a_cuda_error_becomes_ours_and_the_context_is_popped(cuda):
    here = Session()
    with pytest.raises(MachineError, match="out of memory"), here.current():
        here.empty((9 << 30,), "uint8")
    assert cuda.depth == 0


def test_without_a_current_context_nothing_works(cuda):
    here = Session()
    with pytest.raises(cuda.LogicError, match="no currently active context"):
        here.empty((4,), "float32")


def test_close_frees_what_is_left_and_leaves_no_context_current(cuda):
    """pycuda's detach leaves a primary context current; torch would then find a dead one."""
    here = Session()
    with here.current():
        here.empty((4,), "float32"), here.stream(), here.pinned((4,), "float32")
    here.close()
    here.close()
    assert (cuda.memory, cuda.depth, cuda.stacks.stray(), cuda.retained) == ({}, 0, 0, 0)
    assert cuda.log.count(("detach",)) == 1


def test_a_session_serves_threads_and_closes_in_any(cuda, rng):
    """One primary context; each thread pushes it, with a stream of its own."""
    here, failed = Session(), []

    def work(number):
        try:
            with here.current():
                stream, host = here.stream(), here.pinned((100,), "int32")
                array = here.empty((100,), "int32")
                for step in range(20):
                    host[:] = 100 * number + step
                    array.upload(host, stream)
                    stream.synchronize()
                    host[:] = 0
                    array.download(host, stream)
                    stream.synchronize()
                    assert (host == 100 * number + step).all()
                array.free()
        except BaseException as err:
            failed.append(err)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    closing = threading.Thread(target=here.close)
    closing.start()
    closing.join()
    assert not failed
    assert (cuda.memory, cuda.depth, cuda.stacks.stray(), cuda.retained) == ({}, 0, 0, 0)


def test_two_sessions_share_the_primary_context(cuda):
    first, second = Session(), Session()
    with first.current(), second.current():
        shared = first.upload(np.arange(3))
        np.testing.assert_array_equal(second.download(shared), [0, 1, 2])
    first.close()
    with second.current():
        second.empty((1,), "uint8")
    second.close()
    assert (cuda.memory, cuda.stacks.stray(), cuda.retained) == ({}, 0, 0)


def test_without_pycuda_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycuda", ModuleType("pycuda"))
    monkeypatch.delitem(sys.modules, "pycuda.driver", raising=False)
    with pytest.raises(MissingPackage, match=r"edgecv\[cuda\]"):
        Session()


def test_without_a_driver_it_is_said(monkeypatch):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == "pycuda.driver":
                raise ImportError("libcuda.so.1: cannot open shared object file")

    package = ModuleType("pycuda")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "pycuda", package)
    monkeypatch.delitem(sys.modules, "pycuda.driver", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(MachineError, match=r"no CUDA driver \(libcuda"):
        room.Session()


@fake_only
def test_a_kernel_may_follow_an_upload_at_once(session):
    """Copies from pageable memory and fills return early, and streams do not wait for them."""
    stream, host = session.stream(), session.pinned((2, 4), "float32")
    for row, array in zip(
        host, (session.upload(np.ones(4, np.float32)), session.zeros((4,), "float32")), strict=True
    ):
        array.download(row, stream)
    stream.synchronize()
    np.testing.assert_array_equal(host, [[1, 1, 1, 1], [0, 0, 0, 0]])


@fake_only
def test_a_blocking_copy_waits_for_the_streams(session):
    array, stream = session.zeros((4,), "uint8"), session.stream()
    array.fill(stream, 9)
    np.testing.assert_array_equal(session.download(array), 9)
    assert ("memset", 4) in log_of(session)
