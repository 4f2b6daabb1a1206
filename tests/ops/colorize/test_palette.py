"""Colours of classes."""

import numpy as np

from edgecv.ops.colorize.palette import painted, palette


def test_palette_is_vocs():
    assert palette()[:4].tolist() == [[0, 0, 0], [0, 0, 128], [0, 128, 0], [0, 128, 128]]
    assert palette()[[15, 20]].tolist() == [[128, 128, 192], [128, 64, 0]]  # person, tv monitor
    assert len(np.unique(palette(), axis=0)) == 256
    assert not painted(("Background",))[0]
    assert painted(())[0]
    assert painted(("road",)).all()
