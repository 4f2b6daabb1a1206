"""The device decoder of CenterNet gives what the CPU's gives."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import CenterNetHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.cuda_heads import centernet
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry
from tests.runtime.cuda_heads.decoding import as_float32, decode_on

SEEN = [Geometry((96, 128), Fit(8, 0, 48, 64)), Geometry((64, 64), Fit(0, 0, 64, 64))]


def tensors(rng, batch, dtype, side=16):
    return {
        "heatmap": rng.normal(-1, 1.5, (batch, 3, side, side)).astype(dtype),
        "size": rng.uniform(0.5, 5, (batch, 2, side, side)).astype(dtype),
        "offset": rng.uniform(0, 1, (batch, 2, side, side)).astype(dtype),
    }


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("limit", [5, 400], ids=["overflows", "fits"])
def test_equals_the_cpu(session, rng, batch, limit, dtype):
    head = CenterNetHead(score=0.4, max_detections=limit, names=("a", "b", "c"))
    outputs, seen = tensors(rng, batch, dtype), [SEEN[i % 2] for i in range(batch)]
    wanted = decode(head, as_float32(outputs), seen)
    got = decode_on(session, centernet, head, outputs, seen)
    for one, other in zip(got, wanted, strict=True):
        assert one.ids.tolist() == other.ids.tolist()
        assert one.boxes.tobytes() == other.boxes.tobytes()
        np.testing.assert_allclose(one.scores, other.scores, rtol=0, atol=1e-6)
        assert one.overflow == other.overflow
        assert (one.overflow > 0) == (limit == 5)


@pytest.mark.parametrize(
    "head",
    [
        CenterNetHead(activation="none", size_unit="pixel", stride=8),
        CenterNetHead(score=1.0),
        CenterNetHead(score=0.0, outputs={"heatmap": "hm"}),
    ],
    ids=["probabilities-pixels", "nothing-reaches-it", "everything-renamed"],
)
def test_head_settings(session, rng, head):
    outputs = tensors(rng, 1, "float32", side=9)
    outputs[head.tensor("heatmap")] = outputs.pop("heatmap")
    (wanted,) = decode(head, outputs, SEEN[:1])
    (got,) = decode_on(session, centernet, head, outputs, SEEN[:1])
    assert got.boxes.tobytes() == wanted.boxes.tobytes()
    assert got.ids.tolist() == wanted.ids.tolist()
    assert (len(got) == 0) == (head.score == 1)


def test_refuses_maps_of_different_sizes(session, rng):
    maps = {name: session.upload(array) for name, array in tensors(rng, 1, "float32").items()}
    maps["size"] = session.zeros((1, 2, 8, 8), "float32")
    with pytest.raises(ShapeError, match=r"size must be \(N, 2, 16, 16\)"):
        centernet.Decoder(session, CenterNetHead(), maps, batch=1)
