"""darknet's decoding of YOLO v1, written as loops."""

import numpy as np


def loops(values, grid, score):
    """darknet's detection_layer.c: all classes, all confidences, all boxes."""
    side, n = grid.side, grid.boxes
    classes = len(values) // side**2 - 5 * n
    found = []
    for i in range(side * side):
        row, col = divmod(i, side)
        for j in range(n):
            scale = values[side * side * classes + i * n + j]
            at = side * side * (classes + n) + (i * n + j) * 4
            x, y = (values[at] + col) / side * grid.size[1], (values[at + 1] + row) / side
            power = 2 if grid.square else 1
            w, h = values[at + 2] ** power * grid.size[1], values[at + 3] ** power * grid.size[0]
            y *= grid.size[0]
            scores = scale * values[i * classes : (i + 1) * classes]
            for c in range(classes) if grid.multi_label else [int(np.argmax(scores))]:
                if scores[c] >= score:
                    box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
                    found.append((scores[c], c, box))
    return sorted(found, key=lambda one: -one[0])
