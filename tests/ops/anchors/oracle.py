"""torchvision's SSD before its NMS and its box coder, written anew in torch."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def ssd(logits, deltas, at, size, score):
    """Boxes, ids and scores, best first: softmax, drop column 0, threshold, decode, clip."""
    probability = torch.softmax(torch.from_numpy(logits), 1)[:, 1:]
    boxes = torchvision_decode(deltas, at, (10, 10, 5, 5))
    boxes[:, 0::2] = boxes[:, 0::2].clamp(0, size[1])
    boxes[:, 1::2] = boxes[:, 1::2].clamp(0, size[0])
    point, ids = torch.where(probability >= score)
    order = torch.argsort(-probability[point, ids], stable=True)
    found = boxes[point], ids, probability[point, ids]
    return tuple(values[order].numpy() for values in found)


def torchvision_decode(deltas, at, weights):
    """BoxCoder.decode_single of torchvision, written anew, in float64."""
    deltas, at = (torch.from_numpy(np.float64(array)) for array in (deltas, at))
    dx, dy, dw, dh = (deltas / torch.tensor(weights, dtype=torch.float64)).T
    dw, dh = (side.clamp(max=math.log(1000 / 16)) for side in (dw, dh))
    x, y = dx * at[:, 2] + at[:, 0], dy * at[:, 3] + at[:, 1]
    w, h = dw.exp() * at[:, 2], dh.exp() * at[:, 3]
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
