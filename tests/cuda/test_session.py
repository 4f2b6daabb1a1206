"""The CUDA room against a fake pycuda: what is allocated is freed, errors become ours."""

import sys
import threading
from types import ModuleType

import numpy as np
import pytest

from edgecv.cuda import session as room
from edgecv.cuda.session import Session
from edgecv.errors import MachineError, MissingPackage
from tests.cuda.device import install, log_of

one_order = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)
fake_only = pytest.mark.parametrize("session", ["forward"], indirect=True)


@pytest.fixture
def cuda(monkeypatch):
    return install(monkeypatch)


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
