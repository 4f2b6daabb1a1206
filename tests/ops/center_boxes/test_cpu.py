"""CenterNet's boxes by hand, and against every peak looked at in a loop."""

import numpy as np
import pytest

from edgecv.ops.center_boxes import CenterLayout, CenterMaps, center_boxes


def test_by_hand():
    heat = np.full((2, 4, 8), -9, np.float32)
    size, offset = np.zeros((2, 4, 8), np.float32), np.zeros((2, 4, 8), np.float32)
    heat[1, 3, 5] = np.log(3)  # probability 3/4
    size[:, 3, 5] = 2, 4
    offset[:, 3, 5] = 0.5, 0.25
    found = center_boxes(CenterMaps(heat, size, offset), CenterLayout(4), 0.5, 10)
    assert found.boxes.tolist() == [[18, 5, 26, 21]]  # centre (22, 13) pixels, 8 wide, 16 high
    assert found.scores.tolist() == pytest.approx([0.75])
    assert (found.ids.tolist(), found.total) == ([1], 1)
    pixels = center_boxes(CenterMaps(heat, size, offset), CenterLayout(4, pixels=True), 0.5, 10)
    assert pixels.boxes.tolist() == [[21, 11, 23, 15]]


def looked_at(maps, layout, score, k):
    """Every cell that is the highest of its 3 x 3, one after the other, in float64."""
    found = []
    for c, y, x in np.ndindex(maps.heatmap.shape):
        value = float(maps.heatmap[c, y, x])
        around = maps.heatmap[c, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        probability = 1 / (1 + np.exp(-value)) if layout.logits else value
        if value == around.max() and probability >= score:
            unit = 1 if layout.pixels else layout.stride
            centre = (np.array([x, y]) + maps.offset[:, y, x]) * layout.stride
            half = maps.size[:, y, x] * unit / 2
            found.append((probability, c, [*(centre - half), *(centre + half)]))
    found.sort(key=lambda row: -row[0])
    return found[:k], len(found)


@pytest.mark.parametrize("k", [1000, 5])
@pytest.mark.parametrize(
    "layout",
    [CenterLayout(4), CenterLayout(8, logits=False), CenterLayout(2, pixels=True)],
    ids=["logits", "probabilities", "pixels"],
)
def test_equals_every_peak_looked_at(rng, layout, k):
    heat = rng.permutation(3 * 9 * 14).reshape(3, 9, 14) / 100 - 2
    heat = heat if layout.logits else heat / 4 + 0.5
    size, offset = rng.uniform(0, 9, (2, 9, 14)), rng.uniform(0, 1, (2, 9, 14))
    maps = CenterMaps(*(array.astype(np.float32) for array in (heat, size, offset)))
    wanted, total = looked_at(maps, layout, 0.55, k)
    found = center_boxes(maps, layout, 0.55, k)
    assert len(wanted) == min(k, total) > 3
    assert (found.ids.tolist(), found.total) == ([c for _, c, _ in wanted], total)
    np.testing.assert_allclose(found.scores, [p for p, _, _ in wanted], rtol=1e-5)
    np.testing.assert_allclose(found.boxes, [box for _, _, box in wanted], rtol=1e-5, atol=1e-4)


def test_nothing_reaches_the_score():
    maps = CenterMaps(*(np.full((2, 3, 3), -9, np.float32) for _ in range(3)))
    found = center_boxes(maps, CenterLayout(), 0.5, 3)
    assert (found.boxes.shape, found.total) == ((0, 4), 0)
