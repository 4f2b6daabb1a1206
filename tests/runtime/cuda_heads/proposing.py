"""What the tests of both two-stage heads' device decoders share."""

import numpy as np

from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.cuda.capture import assert_capturable

SIZE = (64, 64)


PLACES = [
    Geometry((40, 80), Fit(16, 0, 32, 64), SIZE),
    Geometry((64, 64), Fit(0, 0, 64, 64), SIZE),
]


def outputs(rng, dtype):
    found = {}
    for i in range(2, 7):
        n = SIZE[0] // 2**i
        found[f"objectness{i}"] = rng.normal(0, 2, (2, 3, n, n)).astype(dtype)
        found[f"deltas{i}"] = rng.normal(0, 0.3, (2, 12, n, n)).astype(dtype)
        if i < 6:
            found[f"features{i}"] = np.zeros((2, 4, n, n), dtype)
    return found


def blocks():
    """What letterbox is told: where each picture lies."""
    rows = np.zeros((2, 32), np.int32)
    rows[:, 5:9] = [place.fit for place in PLACES]
    return rows


def same_proposals(session, rng, room, head, dtype):
    """Decode a batch of two by `room.Decoder` and on the CPU: the same proposals."""
    raw = outputs(rng, dtype)
    device = {name: session.upload(array) for name, array in raw.items()}
    frames = session.upload(blocks())
    assert all(source.is_file() for source in room.SOURCES)
    assert room.PLACED
    decoder = room.Decoder(session, head, device, batch=2, input_size=SIZE)
    arrays = assert_capturable(
        session, lambda stream: decoder.enqueue(stream, frames), decoder.results.values()
    )
    found = decoder.collect(dict(zip(decoder.results, arrays, strict=True)), PLACES)
    wanted = decode(head, {k: v.astype(np.float32) for k, v in raw.items()}, PLACES)
    for mine, other in zip(found, wanted, strict=True):
        assert len(mine) == len(other) == head.proposals
        np.testing.assert_allclose(mine.boxes, other.boxes, atol=1e-3)
        np.testing.assert_allclose(mine.scores, other.scores, atol=2e-6)
    decoder.close()
    for array in (*device.values(), frames):
        array.free()
