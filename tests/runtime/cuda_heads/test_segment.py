"""The segment head on the device: the CPU's label maps."""

import numpy as np
import pytest

from edgecv.errors import UnsupportedModel
from edgecv.head import SegmentHead
from edgecv.ops.label_map import cuda
from edgecv.ops.letterbox import Target
from edgecv.ops.letterbox.cuda import LetterboxPlan
from edgecv.ops.refine.cuda import Seen
from edgecv.recipe import Input
from edgecv.runtime.cuda_heads.segment import Decoder
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Preprocessor
from tests.cuda.capture import assert_capturable

SIZES = [(50, 75), (31, 20), (1, 90)]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Fewer labels a picture: the grid of larger ones is coarser, and a test stays short."""
    for module in ("edgecv.ops.label_map", "edgecv.ops.label_map.cuda"):
        monkeypatch.setattr(f"{module}.MAX_LABELS", 1500)


def both(session, head, logits, resize="letterbox", sizes=SIZES):
    """Label maps of the device and of the CPU, of a batch with one slot more than pictures."""
    preprocess = Preprocessor(Input(size=(32, 48), resize=resize))
    geometries = [preprocess.geometry(size) for size in sizes]
    letterbox = LetterboxPlan(session, size=(32, 48), target=Target(), batch=len(logits))
    blocks = np.zeros((len(logits), 32), np.int32)
    for row, geometry in zip(blocks, geometries, strict=False):
        row[:] = letterbox.parameters(geometry.image_size, geometry.fit)
    outputs, frames = {"logits": session.upload(logits)}, session.upload(blocks)
    decoder = Decoder(session, head, outputs, batch=len(logits), input_size=(32, 48))
    if decoder.results.keys() == {"labels"}:
        arrays = assert_capturable(
            session, lambda stream: decoder.enqueue(stream, frames), decoder.results.values()
        )
        host = dict(zip(decoder.results, arrays, strict=True))
    else:
        decoder.enqueue(session.stream(), frames)
        host = {name: session.download(array) for name, array in decoder.results.items()}
    found = decoder.collect(host, geometries)
    for thing in (decoder, letterbox):
        thing.close()
    wanted = decode(head, {"logits": logits.astype(np.float32)}, geometries)
    return found, wanted


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("resize", ["letterbox", "crop"])
def test_equals_the_cpu(session, rng, resize, align_corners):
    head = SegmentHead(names=("a", "b"), align_corners=align_corners)
    logits = rng.normal(size=(4, 5, 8, 12)).astype(np.float32)
    found, wanted = both(session, head, logits, resize)
    assert cuda.MAX_LABELS == 1500
    assert len(found) == len(SIZES)
    for got, one in zip(found, wanted, strict=True):
        assert (got.names, got.image_size) == (one.names, one.image_size)
        assert np.array_equal(got.labels, one.labels)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize(
    ("head", "shape", "dtype"),
    [
        pytest.param(SegmentHead(), (2, 5, 8, 12), np.float16, id="half"),
        pytest.param(SegmentHead(), (2, 1, 8, 12), np.float32, id="one-channel"),
        pytest.param(SegmentHead(form="labels"), (2, 8, 12), np.int32, id="labels"),
    ],
)
def test_other_forms_equal_the_cpu(session, rng, head, shape, dtype):
    logits = (rng.normal(size=shape) * 3).astype(dtype)
    logits = np.abs(logits) if head.form == "labels" else logits
    found, wanted = both(session, head, logits, sizes=SIZES[:2])
    for got, one in zip(found, wanted, strict=True):
        assert np.array_equal(got.labels, one.labels)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    "crf",
    [{"kind": "dense", "iterations": 1}, {"kind": "conv", "blur": 2, "filter_size": 3}],
    ids=["dense", "conv"],
)
def test_a_crf_equals_the_cpu(session, rng, crf, dtype):
    """The picture comes from the network's input, where letterbox left it."""
    preprocess = Preprocessor(
        Input(size=(10, 14), mean=(90, 80, 70), std=(50, 60, 70)), pixels=True
    )
    image = rng.integers(0, 256, (13, 20, 3)).astype(np.uint8)
    tensor, geometries = preprocess.batch([image])
    head, logits = SegmentHead(crf=crf), rng.normal(size=(1, 3, 5, 7)).astype(dtype)
    letterbox = LetterboxPlan(session, size=(10, 14), target=preprocess.target)
    block = letterbox.parameters(image.shape[:2], geometries[0].fit)
    frames = session.upload(np.ascontiguousarray(block[None]))
    spec = preprocess.spec
    seen = Seen(session.upload(tensor.astype(dtype)), spec.mean, spec.std)
    outputs = {"logits": session.upload(logits)}
    decoder = Decoder(session, head, outputs, batch=1, input_size=(10, 14), seen=seen)
    arrays = assert_capturable(
        session, lambda stream: decoder.enqueue(stream, frames), decoder.results.values()
    )
    (found,) = decoder.collect(dict(zip(decoder.results, arrays, strict=True)), geometries)
    (wanted,) = decode(head, {"logits": logits.astype(np.float32)}, geometries)
    (plain,) = decode(SegmentHead(), {"logits": logits.astype(np.float32)}, geometries)
    assert np.array_equal(found.labels, wanted.labels)
    assert not np.array_equal(found.labels, plain.labels)
    for thing in (decoder, letterbox):
        thing.close()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_a_crf_of_one_channel_is_refused(session):
    outputs = {"logits": session.upload(np.zeros((1, 1, 4, 4), np.float32))}
    with pytest.raises(UnsupportedModel, match="two classes"):
        Decoder(session, SegmentHead(crf={"kind": "conv"}), outputs, batch=1, input_size=(8, 8))
