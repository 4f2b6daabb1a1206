"""The contract of dense_boxes read literally, point by point in float64."""

import numpy as np


def literal(rows, layout, score):
    """Python loops: (score, class, box), best first, ties by the place in memory."""
    found = []
    for point, row in enumerate(rows.astype(float)):
        values = 1 / (1 + np.exp(-row[4:])) if layout.logits else row[4:]
        scores = values[1:] * values[0] if layout.objectness else values
        x, y, w, h = row[:4]
        box = (x, y, w, h) if layout.xyxy else (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        if not layout.multi_label:
            best = int(np.argmax(scores))
            hits = [(best, point)]
        elif layout.channels_last or layout.objectness:
            hits = [(c, point * len(scores) + c) for c in range(len(scores))]
        else:
            hits = [(c, c * len(rows) + point) for c in range(len(scores))]
        found += [(scores[c], c, box, at) for c, at in hits if scores[c] >= score]
    return sorted(found, key=lambda row: (-np.float32(row[0]), row[3]))
