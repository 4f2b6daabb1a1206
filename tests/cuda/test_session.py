"""The CUDA room against a fake pycuda: what is allocated is freed, errors become ours."""

import numpy as np
import pytest

from edgecv.cuda import session
from edgecv.cuda.session import Session
from edgecv.errors import MachineError
from tests.cuda.fake_pycuda import FakeDriver


@pytest.fixture
def cuda(monkeypatch):
    fake = FakeDriver()
    monkeypatch.setattr(session, "_driver", lambda: fake)
    return fake


def test_bytes_go_to_the_device_and_back(cuda, rng):
    here = Session()
    values = rng.standard_normal((2, 3)).astype(np.float32)
    with here.current():
        buffer, stream = here.buffer(64), here.stream()
        np.copyto(buffer.host((2, 3), "float32"), values)
        buffer.upload(values.nbytes, stream)
        stream.synchronize()
        buffer.host((2, 3), "float32")[:] = 0
        buffer.download(values.nbytes, stream)
        stream.synchronize()
        np.testing.assert_array_equal(buffer.host((2, 3), "float32"), values)
        buffer.free()
    here.close()
    assert cuda.memory == {}
    assert cuda.depth == 0


def test_an_empty_buffer_is_one_byte(cuda):
    here = Session()
    with here.current():
        assert here.buffer(0).nbytes == 1
        assert here.free_bytes() == (8 << 30) - 1


def test_a_device_that_is_not_there_is_said(cuda):
    with pytest.raises(MachineError, match="invalid device ordinal"):
        Session(3)


def test_a_cuda_error_becomes_ours_and_the_context_is_popped(cuda):
    here = Session()
    with pytest.raises(MachineError, match="out of memory"), here.current():
        raise cuda.Error("cuMemAlloc failed: out of memory")
    assert cuda.depth == 0
