"""Channel counts of slim forms."""

import pytest

from edgecv.zoo.blocks.widths import slim


@pytest.mark.parametrize(
    ("width", "share", "channels"), [(48, 1.0, 48), (48, 0.25, 16), (32, 0.125, 8), (20, 1.0, 20)]
)
def test_slim_widths_are_multiples_of_8(width, share, channels):
    assert slim(width, share) == channels
