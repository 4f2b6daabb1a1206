"""A slot's buffers: in place on integrated GPUs, copied elsewhere, larger when a frame needs it."""

import numpy as np
import pytest

from edgecv.ops.letterbox import Fit
from edgecv.runtime.device.slot import Slot
from edgecv.runtime.preprocess import Geometry

ORDERS = ["forward", pytest.param("gpu", marks=pytest.mark.gpu)]
GEOMETRY = Geometry((2, 2), Fit(0, 0, 2, 2))


@pytest.fixture
def slot(session):
    made = []

    def make(**options):
        results = {"scores": session.empty((1, 4), "float32")}
        made.append((Slot(session, results, room=16, **options), results))
        return made[-1][0]

    yield make
    for one, results in made:
        one.close()
        results["scores"].free()


def _upload(session, slot):
    stream = session.stream()
    slot.upload(stream)
    stream.synchronize()


@pytest.mark.parametrize("session", ORDERS, indirect=True)
@pytest.mark.parametrize("in_place", [False, True])
def test_the_device_sees_frames_and_parameters(session, slot, in_place):
    one = slot(batch=2, in_place=in_place)
    for index in range(2):
        one.row(index)[:12] = np.arange(12) + index
        one.add_host(12, np.full(32, 7 + index, np.int32), GEOMETRY)
    _upload(session, one)
    if in_place:
        assert one.frames.address == one.row(0).ctypes.data
    else:
        frames = session.download(one.frames)
        assert frames[:, :12].tolist() == [list(range(12)), list(range(1, 13))]
        assert session.download(one.blocks)[:, 0].tolist() == [7, 8]


@pytest.mark.parametrize("session", ORDERS, indirect=True)
def test_rows_without_a_frame_have_no_parameters(session, slot):
    one = slot(batch=2, in_place=False)
    for count in (2, 1):
        one.begin()
        for _ in range(count):
            one.add_host(12, np.full(32, 9, np.int32), GEOMETRY)
        _upload(session, one)
    assert session.download(one.blocks)[:, 0].tolist() == [9, 0]


@pytest.mark.parametrize("session", ORDERS, indirect=True)
def test_a_larger_frame_gets_room_and_voids_the_programs(session, slot):
    one = slot(batch=1, in_place=False)
    closed = []

    class Graphs:
        def close(self):
            closed.append(1)

    one.program = Graphs()
    one.make_room(16)
    assert one.program is not None
    one.make_room(40)
    assert one.room == 40
    assert one.program is None
    assert closed == [1]
