"""Top-down pose: one person a picture, each joint the highest cell of its map."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import HeatmapHead
from edgecv.ops.heatmap import heatmap
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads.heatmap import decode as decode_heatmap
from edgecv.runtime.preprocess import Geometry

PLAIN = Geometry((64, 48), Fit(0, 0, 64, 48))
OWN = {"skeleton": "own", "names": ("a", "b")}


def test_a_top_down_network_by_hand():
    maps = np.zeros((2, 2, 16, 12), np.float32)  # a padded batch: one picture
    maps[0, 0, 5, 3] = 0.75
    maps[0, 0, 5, 4] = 0.5
    maps[0, 1, 9, 10] = 0.25
    (told,) = decode_heatmap(HeatmapHead(**OWN), {"heatmap": maps}, [PLAIN])
    np.testing.assert_allclose(told.joints[0], [[13.5, 20.5, 0.75], [40.5, 36.5, 0.25]])
    assert told.scores.tolist() == [0.5]


def test_each_picture_has_its_own_person_and_place(rng):
    maps = rng.random((2, 2, 16, 12)).astype(np.float32)
    head = HeatmapHead(align="centre", refine="none", **OWN)
    half = Geometry((128, 96), Fit(0, 0, 64, 48))
    both = decode_heatmap(head, {"heatmap": maps}, [PLAIN, half])
    for told, own, scale in zip(both, maps, (4, 8), strict=True):
        for joint, one in zip(told.joints[0], own, strict=True):
            row, column = np.unravel_index(one.argmax(), one.shape)
            wanted = [(column + 0.5) * scale, (row + 0.5) * scale, one.max()]
            np.testing.assert_allclose(joint, wanted, rtol=1e-6)


@pytest.mark.parametrize(("refine", "blur"), [("none", 0), ("quarter", 0), ("taylor", 5)])
def test_the_heads_refinement_reaches_the_op(rng, refine, blur):
    maps = rng.random((1, 2, 16, 12)).astype(np.float32) + 0.5
    head = HeatmapHead(align="centre", refine=refine, blur=blur, **OWN)
    (told,) = decode_heatmap(head, {"heatmap": maps}, [PLAIN])
    wanted = heatmap(maps[0], refine, blur)
    np.testing.assert_allclose(told.joints[0, :, 2], wanted[:, 2])
    np.testing.assert_allclose(told.joints[0, :, :2], 4 * (wanted[:, :2] + 0.5), rtol=1e-5)


def test_maps_of_another_rank_are_refused():
    with pytest.raises(ShapeError, match=r"heatmap must be \(N, any, any, any\)"):
        decode_heatmap(HeatmapHead(**OWN), {"heatmap": np.zeros((1, 2, 16), "f4")}, [PLAIN])
