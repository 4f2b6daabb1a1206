"""What prototypes refuses, whoever computes it."""

import pytest

from edgecv.errors import ShapeError
from edgecv.ops.prototypes import prototypes
from tests.ops.prototypes.test_cpu import case


def test_refuses(rng):
    maps, coefficients, boxes = case(rng)
    with pytest.raises(ShapeError, match=r"coefficients must be \(6, 4\)"):
        prototypes(maps, coefficients[:, :3], boxes)
    with pytest.raises(ShapeError, match="maps must be"):
        prototypes(maps.astype(float), coefficients, boxes)
