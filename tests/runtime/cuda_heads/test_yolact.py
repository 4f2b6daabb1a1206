"""YOLACT on the device gives the instances the CPU decoder of the same head gives."""

import numpy as np
import pytest

from edgecv.head import YolactHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.cuda_heads import yolact
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.cuda.capture import assert_capturable
from tests.runtime.cuda_heads.detectors import ONCE

SIZE = (64, 64)
PLACES = [
    Geometry((100, 130), Fit(3, 5, 50, 60), SIZE),
    Geometry((64, 64), Fit(0, 0, 64, 64), SIZE),
]
ANCHORS = {"strides": (16, 32), "anchors": (12, 30), "ratios": (1.0, 2.0), "score": 0.4}


def outputs(rng, head, dtype, columns=4, k=5):
    count = (16 + 4) * 2
    shape = (2, 16, 16, k) if head.channels_last else (2, k, 16, 16)
    arrays = {
        "scores": rng.normal(0, 2, (2, count, columns)),
        "boxes": rng.normal(0, 1, (2, count, 4)),
        "coefficients": rng.normal(0, 1, (2, count, k)),
        "prototypes": rng.normal(0, 1, shape),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def on_device(session, head, raw):
    device = {name: session.upload(array) for name, array in raw.items()}
    frames = session.upload(np.zeros((2, 32), np.int32))
    assert all(source.is_file() for source in yolact.SOURCES)
    decoder = yolact.Decoder(session, head, device, batch=2, input_size=SIZE)
    if head.nms == "fast":  # nothing to launch
        arrays = [session.download(array) for array in decoder.results.values()]
    else:
        arrays = assert_capturable(
            session, lambda stream: decoder.enqueue(stream, frames), decoder.results.values()
        )
    found = decoder.collect(dict(zip(decoder.results, arrays, strict=True)), PLACES)
    decoder.close()
    for array in (*device.values(), frames):
        array.free()
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@ONCE
@pytest.mark.parametrize(
    "head",
    [
        pytest.param(YolactHead(**ANCHORS), id="softmax"),
        pytest.param(YolactHead(**ANCHORS, activation="sigmoid", channels_last=True), id="hwc"),
        pytest.param(YolactHead(**ANCHORS, class_agnostic=True, max_detections=4), id="few"),
    ],
)
def test_equals_the_cpu(session, rng, head, dtype):
    raw = outputs(rng, head, dtype)
    found = on_device(session, head, raw)
    wanted = decode(head, {k: v.astype(np.float32) for k, v in raw.items()}, PLACES)
    for mine, other in zip(found, wanted, strict=True):
        assert len(mine)
        assert (mine.ids.tolist(), mine.overflow) == (other.ids.tolist(), other.overflow)
        np.testing.assert_allclose(mine.boxes, other.boxes, atol=1e-3)
        np.testing.assert_allclose(mine.regions, other.regions, atol=1e-3)
        for a, b in zip(mine.soft, other.soft, strict=True):
            np.testing.assert_allclose(a, b, atol=6e-4)  # halves
        assert (mine.masks() != other.masks()).mean() < 1e-3


@ONCE
def test_other_forms_are_decoded_by_the_cpu(session, rng):
    head = YolactHead(**ANCHORS, nms="fast")
    raw = outputs(rng, head, np.float32)
    found = on_device(session, head, raw)
    wanted = decode(head, raw, PLACES)
    assert [r.boxes.tolist() for r in found] == [r.boxes.tolist() for r in wanted]
