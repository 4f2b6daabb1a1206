"""Each box gets the mask of its class, on both sides."""

import numpy as np

from edgecv.ops.class_masks import class_masks

IDS = np.array([0, 1, 1])


def test_by_hand():
    masks = np.zeros((2, 3, 1, 1), np.float32)
    masks[0, 1], masks[1, 2] = 9, -9
    assert (class_masks(masks, IDS[:2]).ravel() > 0.5).tolist() == [True, False]
    assert class_masks(masks, IDS[:2], True).ravel().tolist() == [0.5, 0.5]
    assert class_masks(masks[:, :1], IDS[:2]).shape == (2, 1, 1)
    assert class_masks(masks[:0], IDS[:0]).shape == (0, 1, 1)
