"""Device decoders of detectors give the boxes that the CPU decoder of the same head gives."""

from importlib import import_module

import numpy as np
import pytest

from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.cuda.capture import assert_capturable

ONCE = pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)
PLACES = [Geometry((100, 130), Fit(3, 5, 50, 60)), Geometry((64, 64), Fit(0, 0, 64, 64))]


def same_on_the_device(session, head, outputs, *, atol=1e-3):
    """Decode (2, …) `outputs` on both sides; returns the CPU's results, to be looked at."""
    device = {name: session.upload(array) for name, array in outputs.items()}
    room = import_module(f"edgecv.runtime.cuda_heads.{head.kind}")
    assert all(source.is_file() for source in room.SOURCES)
    decoder = room.Decoder(session, head, device, batch=2)
    arrays = assert_capturable(session, decoder.enqueue, decoder.results.values())
    host = dict(zip(decoder.results, arrays, strict=True))
    found = decoder.collect(host, PLACES)
    wanted = decode(head, {k: v.astype(np.float32) for k, v in outputs.items()}, PLACES)
    for mine, other in zip(found, wanted, strict=True):
        assert mine.ids.tolist() == other.ids.tolist()
        assert (mine.names, mine.overflow) == (other.names, other.overflow)
        np.testing.assert_allclose(mine.scores, other.scores, rtol=0, atol=2e-6)
        np.testing.assert_allclose(mine.boxes, other.boxes, rtol=0, atol=atol)
    assert len(decoder.collect(host, PLACES[:1])) == 1
    decoder.close()
    for array in device.values():
        array.free()
    return wanted
