"""Channel counts of a slim form."""

from __future__ import annotations


def slim(width: int, share: float) -> int:
    """`width` times `share`, rounded to a multiple of 8 and at least 8; unchanged for share 1.

    Multiples of 8 keep int8 and fp16 kernels of tensor cores full.
    """
    return width if share == 1 else max(8, round(width * share / 8) * 8)
