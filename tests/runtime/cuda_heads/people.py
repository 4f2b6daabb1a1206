"""What the tests of device decoders of pose share."""

from importlib import import_module

import numpy as np

from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.cuda.capture import assert_capturable

PLACES = [Geometry((100, 130), Fit(3, 5, 50, 60)), Geometry((64, 64), Fit(0, 0, 64, 64))]


def same_on_the_device(session, head, outputs):
    """Decode (2, …) `outputs` on both sides; returns the CPU's results, to be looked at."""
    device = {name: session.upload(array) for name, array in outputs.items()}
    room = import_module(f"edgecv.runtime.cuda_heads.{head.kind}")
    assert all(source.is_file() for source in room.SOURCES)
    decoder = room.Decoder(session, head, device, batch=2)
    assert sum(array.nbytes for array in decoder.results.values()) < 20_000
    arrays = assert_capturable(session, decoder.enqueue, decoder.results.values())
    host = dict(zip(decoder.results, arrays, strict=True))
    found = decoder.collect(host, PLACES)
    wanted = decode(head, {k: v.astype(np.float32) for k, v in outputs.items()}, PLACES)
    for mine, other in zip(found, wanted, strict=True):
        assert (mine.names, mine.edges, mine.overflow) == (other.names, other.edges, other.overflow)
        np.testing.assert_allclose(mine.joints, other.joints, rtol=0, atol=1e-2)
        np.testing.assert_allclose(mine.scores, other.scores, rtol=0, atol=1e-4)
    assert len(decoder.collect(host, PLACES[:1])) == 1
    decoder.close()
    for array in device.values():
        array.free()
    return wanted


def drawn_maps(rng):
    """(2, 17, 16, 12) float64: a bump of its own height for every joint."""
    y, x = np.indices((16, 12))
    centres = rng.uniform(1, 10, (2, 17, 2))
    gaps = [(x - u) ** 2 + (y - v) ** 2 for u, v in centres.reshape(-1, 2)]
    return (np.exp(-np.array(gaps) / 5) * rng.uniform(0.1, 1, (34, 1, 1))).reshape(2, 17, 16, 12)
