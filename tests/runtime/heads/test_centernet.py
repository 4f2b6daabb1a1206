"""CenterNet decoding by hand and against torch's max pooling, gather and top-k."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import CenterNetHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode, sigmoid
from edgecv.runtime.preprocess import Geometry

PLAIN = Geometry((64, 64), Fit(0, 0, 64, 64))


def tensors(classes=2, side=16, fill=-9.0):
    return {
        "heatmap": np.full((1, classes, side, side), fill, np.float32),
        "size": np.zeros((1, 2, side, side), np.float32),
        "offset": np.zeros((1, 2, side, side), np.float32),
    }


def test_one_object_by_hand():
    maps = tensors()
    maps["heatmap"][0, 1, 3, 5] = np.log(3)  # probability 3/4
    maps["size"][0, :, 3, 5] = 2.0, 4.0
    maps["offset"][0, :, 3, 5] = 0.5, 0.25
    (result,) = decode(CenterNetHead(names=("a", "b")), maps, [PLAIN])
    # centre (5.5, 3.25) cells = (22, 13) pixels, 8 wide and 16 high
    assert result.boxes.tolist() == [[18, 5, 26, 21]]
    assert result.scores.tolist() == pytest.approx([0.75])
    assert result.ids.tolist() == [1]


def test_pixels_and_probabilities_by_hand():
    maps = tensors(fill=0.0)
    maps["heatmap"][0, 0, 2, 2] = 0.6
    maps["size"][0, :, 2, 2] = 6.0, 2.0
    head = CenterNetHead(activation="none", size_unit="pixel")
    (result,) = decode(head, maps, [PLAIN])
    assert result.boxes.tolist() == [[5, 7, 11, 9]]
    assert result.scores.tolist() == pytest.approx([0.6])


def test_boxes_are_in_the_picture_and_clipped():
    maps = tensors()
    maps["heatmap"][0, 0, 4, 0] = 5
    maps["size"][0, :, 4, 0] = 4.0, 4.0
    geometry = Geometry((96, 128), Fit(8, 0, 48, 64))  # a letterboxed picture, half size
    (result,) = decode(CenterNetHead(), maps, [geometry])
    assert result.boxes.tolist() == [[0, 0, 16, 32]]  # x -8..8, y 8..24 of the input
    assert result.image_size == (96, 128)


def test_score_is_the_limit_and_overflow_is_told():
    maps = tensors()
    maps["heatmap"][0, 0, ::4, ::4] = np.linspace(-3, 3, 16).reshape(4, 4)
    (result,) = decode(CenterNetHead(score=0.5, max_detections=5), maps, [PLAIN])
    assert len(result) == 5
    assert result.overflow == 3  # 8 of 16 logits are above 0
    assert (np.diff(result.scores) < 0).all()


def test_equals_torch(rng):
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    heat = rng.normal(-2, 1.5, (2, 3, 24, 20)).astype(np.float32)
    size = rng.uniform(0.5, 5, (2, 2, 24, 20)).astype(np.float32)
    offset = rng.uniform(0, 1, (2, 2, 24, 20)).astype(np.float32)
    plain = Geometry((96, 80), Fit(0, 0, 96, 80))
    head = CenterNetHead(score=0.2, max_detections=1000)
    maps = {"heatmap": heat, "size": size, "offset": offset}
    for n, result in enumerate(decode(head, maps, [plain, plain])):
        logits = torch.from_numpy(heat[n])
        probability = torch.sigmoid(logits)
        peak = functional.max_pool2d(logits[None], 3, 1, 1)[0] == logits
        c, y, x = torch.nonzero(peak & (probability >= 0.2), as_tuple=True)
        scores, order = probability[c, y, x].sort(descending=True)
        c, y, x = c[order], y[order], x[order]
        sizes, offsets = torch.from_numpy(size[n]), torch.from_numpy(offset[n])
        centre = (torch.stack([x, y]) + offsets[:, y, x]) * 4
        half = sizes[:, y, x] * 2
        boxes = torch.cat([centre - half, centre + half]).T.numpy().clip(0, [80, 96, 80, 96])
        assert result.ids.tolist() == c.tolist()
        assert np.allclose(result.scores, scores.numpy(), atol=1e-6)
        assert np.allclose(result.boxes, boxes, atol=1e-4)


def test_refuses_maps_of_different_sizes():
    maps = tensors() | {"size": np.zeros((1, 2, 8, 8), np.float32)}
    with pytest.raises(ShapeError, match=r"size must be \(N, 2, 16, 16\)"):
        decode(CenterNetHead(), maps, [PLAIN])


def test_sigmoid_at_the_ends():
    assert sigmoid(np.float32([-200, 0, 200])).tolist() == [0, 0.5, 1]
