"""What prototypes refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.prototypes import prototypes


def case(rng, n=6, k=4, shape=(12, 15)):
    maps = rng.standard_normal((k, *shape)).astype(np.float32)
    corner = rng.uniform(-3, 9, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.3, 8, (n, 2))], 1).astype(np.float32)
    return maps, rng.standard_normal((n, k)).astype(np.float32), boxes


def test_refuses(rng):
    maps, coefficients, boxes = case(rng)
    with pytest.raises(ShapeError, match=r"coefficients must be \(6, 4\)"):
        prototypes(maps, coefficients[:, :3], boxes)
    with pytest.raises(ShapeError, match="maps must be"):
        prototypes(maps.astype(float), coefficients, boxes)
