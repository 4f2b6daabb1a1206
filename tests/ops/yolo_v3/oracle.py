"""The equations of YOLO v2 to v7, point by point in torch."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def literal(maps, scales, layout, score):
    """Point by point in float64: (score, class, box), best first."""
    found = []
    for values, scale in zip(maps, scales, strict=True):
        count = len(scale.anchors)
        table = torch.from_numpy(values.astype(np.float64))
        if not layout.channels_last:
            table = table.reshape(count, -1, *values.shape[1:]).permute(0, 2, 3, 1)
        for a, y, x in itertools.product(*map(range, table.shape[:3])):
            t = table[a, y, x]
            classes = torch.softmax(t[5:], 0) if layout.softmax else torch.sigmoid(t[5:])
            scores = torch.sigmoid(t[4]) * classes
            xy = torch.sigmoid(t[:2]) * scale.scale_xy - (scale.scale_xy - 1) / 2
            xy = (xy + torch.tensor([x, y])) * scale.stride
            factor = (2 * torch.sigmoid(t[2:4])) ** 2 if layout.square else torch.exp(t[2:4])
            wh = factor * torch.tensor(scale.anchors[a])
            box = torch.cat([xy - wh / 2, xy + wh / 2]).tolist()
            ids = range(len(scores)) if layout.multi_label else [int(scores.argmax())]
            found += [(float(scores[c]), c, box) for c in ids if scores[c] >= score]
    return sorted(found, key=lambda one: -one[0])
