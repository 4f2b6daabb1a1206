"""Device decoders of pose heads give the joints that the CPU decoder of the same head gives."""

from importlib import import_module

import numpy as np
import pytest

from benchmarks.pose_maps import draw
from edgecv.errors import ShapeError
from edgecv.head import HeatmapHead, IntegralHead, PafHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.cuda_heads.heatmap import Decoder as HeatmapDecoder
from edgecv.runtime.cuda_heads.integral import Decoder as IntegralDecoder
from edgecv.runtime.cuda_heads.joints import maps_of
from edgecv.runtime.cuda_heads.paf import Decoder as PafDecoder
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.cuda.capture import assert_capturable

ONCE = pytest.mark.parametrize(
    "session", ["shuffled", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)
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


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HeatmapHead(refine="taylor", blur=5, score=0.3), id="heatmap"),
        pytest.param(IntegralHead(beta=8, align="udp"), id="integral"),
    ],
)
def test_one_person_equals_the_cpu(session, rng, head, dtype):
    y, x = np.indices((16, 12))
    centres = rng.uniform(1, 10, (2, 17, 2))
    gaps = [(x - u) ** 2 + (y - v) ** 2 for u, v in centres.reshape(-1, 2)]
    maps = (np.exp(-np.array(gaps) / 5) * rng.uniform(0.1, 1, (34, 1, 1))).reshape(2, 17, 16, 12)
    results = same_on_the_device(session, head, {"heatmap": maps.astype(dtype)})
    assert all(len(result) == 1 for result in results)


@ONCE
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_people_equal_the_cpu(session, dtype):
    drawn = [draw(3, shape=(17, 31), seed=seed) for seed in (3, 4)]
    outputs = {
        "heatmaps": np.stack([maps.heatmaps for maps in drawn]).astype(dtype),
        "pafs": np.stack([maps.fields for maps in drawn]).astype(dtype),
    }
    results = same_on_the_device(session, PafHead(max_people=2), outputs)
    assert [len(result) for result in results] == [2, 2]
    assert results[0].overflow > 0


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_wrong_tensors_are_refused(session):
    flat, maps = session.zeros((1, 17, 8), "float32"), session.zeros((1, 17, 8, 8), "float32")
    with pytest.raises(ShapeError, match=r"must be \(N, C, h, w\)"):
        maps_of(HeatmapHead(), {"heatmap": flat}, "heatmap")
    for decoder, head in ((HeatmapDecoder, HeatmapHead), (IntegralDecoder, IntegralHead)):
        with pytest.raises(ShapeError, match="one map a joint"):
            decoder(session, head(skeleton="coco18"), {"heatmap": maps}, batch=1)
    other = session.zeros((1, 38, 8, 9), "float32")
    with pytest.raises(ShapeError, match="as large as heatmaps"):
        PafDecoder(session, PafHead(), {"heatmaps": maps, "pafs": other}, batch=1)
    for array in (flat, maps, other):
        array.free()
