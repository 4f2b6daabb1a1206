"""Device arrays: their bytes, their lives, and what must fit what."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgecv.cuda.memory import Ledger, adopt
from edgecv.errors import ShapeError

one_order = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)
fake_only = pytest.mark.parametrize("session", ["forward"], indirect=True)


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


@one_order
def test_mapped_memory_is_one_memory(session):
    mapped = session.mapped((4,), "int32")
    mapped.host[:] = 3
    session.synchronize()
    copy = session.empty((4,), "int32")
    copy.copy_from(mapped.device, session.stream())
    np.testing.assert_array_equal(session.download(copy), 3)


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


@one_order
def test_a_view_begins_where_it_says(session):
    array = session.upload(np.arange(6, dtype=np.int32))
    view = array.view((2, 1), "int32", offset=8)
    np.testing.assert_array_equal(session.download(view), [[2], [3]])
    assert (view.address - array.address, view.size) == (8, 2)
    for shape, offset in (((2,), 20), ((1,), -4)):
        with pytest.raises(ShapeError, match="at most as large"):
            array.view(shape, "int32", offset=offset)


@one_order
def test_arrays_are_copied_only_into_their_like(session):
    array = session.zeros((4,), "float32")
    for shape, dtype in (((3,), "float32"), ((4,), "int32")):
        with pytest.raises(ShapeError, match="same size and type"):
            array.copy_from(session.zeros(shape, dtype), session.stream())
    array.copy_from(session.upload(np.ones((2, 2), np.float32)), session.stream())
    np.testing.assert_array_equal(session.download(array), 1)


@pytest.mark.parametrize(
    ("shape", "strides", "fits"),
    [
        pytest.param((2, 3), (12, 4), True, id="rows"),
        pytest.param((2, 3), (4, 8), False, id="columns"),
        pytest.param((5,), (4,), True, id="vector"),
        pytest.param((5,), (8,), False, id="every-second"),
        pytest.param((), (), True, id="scalar"),
    ],
)
def test_strides_of_another_library_must_be_contiguous(shape, strides, fits):
    facts = {"shape": shape, "typestr": "<f4", "data": (0x100, False), "strides": strides}
    thing = SimpleNamespace(__cuda_array_interface__=facts)
    if fits:
        assert (adopt(None, thing).address, adopt(None, thing).shape) == (0x100, shape)
    else:
        with pytest.raises(ShapeError, match="must be contiguous"):
            adopt(None, thing)


class Allocation:
    """Memory that notes its end."""

    def __init__(self, address):
        self.address, self.freed = address, 0

    def __int__(self):
        return self.address

    def free(self):
        self.freed += 1


def test_a_ledger_knows_what_is_held_and_what_was():
    ledger, memory = Ledger(), [Allocation(16 * i) for i in range(1, 4)]
    first, _, _ = (ledger.add(one, 10 * (i + 1)) for i, one in enumerate(memory))
    assert (ledger.nbytes, ledger.peak_nbytes) == (60, 60)
    first.free()
    first.free()
    assert (ledger.nbytes, ledger.peak_nbytes) == (50, 60)
    ledger.add(Allocation(64), 5)
    ledger.free_all()
    assert (ledger.nbytes, ledger.peak_nbytes) == (0, 60)
    assert [one.freed for one in memory] == [1, 1, 1]
