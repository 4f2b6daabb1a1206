"""Logits into rows and results out of them, for every picture of a batch."""

import numpy as np
import pytest

from edgecv.ops.dense_crf.device_rows import DeviceRows

SHAPE = (9, 5, 7)  # nine labels: rows of sixteen


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("slot", [0, 1])
def test_logits_are_packed_with_their_largest_at_zero(session, rng, dtype, slot):
    rows = DeviceRows(session, 2, SHAPE, labels=True)
    given = rng.standard_normal((2, *SHAPE)).astype(dtype)
    logits, stream = session.upload(given), session.stream()
    rows.pack(stream, logits, slot)
    stream.synchronize()
    packed = session.download(rows.logits)
    flat = given[slot].reshape(9, -1).T.astype(np.float32)
    assert (rows.pixels, rows.width) == (35, 16)
    np.testing.assert_array_equal(packed[:, :9], flat - flat.max(1, keepdims=True))
    logits.free()
    rows.close()


@pytest.mark.parametrize("labels", [True, False])
def test_each_picture_has_its_place_in_the_result(session, rng, labels):
    rows = DeviceRows(session, 2, SHAPE, labels=labels)
    stream = session.stream()
    wanted = rng.random((2, *SHAPE)).astype(np.float32)
    for slot, q in enumerate(wanted):
        padded = np.zeros((35, 16), np.float32)
        padded[:, :9] = q.reshape(9, -1).T
        source = session.pinned(padded.shape, padded.dtype)
        np.copyto(source, padded)
        rows.q.upload(source, stream)
        rows.write(stream, slot)
        stream.synchronize()
    found = session.download(rows.refined)
    np.testing.assert_array_equal(found, wanted.argmax(1) if labels else wanted)
    assert found.dtype == ("uint8" if labels else "float32")
    rows.close()
