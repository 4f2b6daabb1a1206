"""The split rule for data that brings no split of its own, and taking a part of a list.

A picture is held out if sha256("<seed>:<path below the root, with />"), its first 8 bytes read as
a fraction of 2**64, is below `val_share`. So a picture stays in its split when others are added
or removed, and when the folder moves; another seed is another split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from edgecv.errors import RecipeError


def fraction(name: str, seed: int) -> float:
    """The place of `name` in 0..1 that decides its split; the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def belongs(name: str, split: str, *, seed: int, val_share: float) -> bool:
    """Whether the picture `name` is in `split` ("train" or "val")."""
    return (fraction(name, seed) < val_share) == (split == "val")


def take(names: Sequence[str], count: int, *, seed: int, split: str) -> list[str]:
    """`count` of `names`, chosen by hash so that classes stay mixed, in the order given.

    Args:
        names: Paths below the root.
        count: How many; 0 takes all.
        seed: Seed of the choice.
        split: For the error.

    Raises:
        RecipeError: more are asked for than there are.
    """
    if count > len(names):
        raise RecipeError(
            f"data.{split} asks for more pictures than there are",
            asked=count,
            found=len(names),
            fix=f"--set data.{split}=0",
        )
    if count == 0:
        return list(names)
    chosen = set(sorted(names, key=lambda name: fraction(name, seed + 1))[:count])
    return [name for name in names if name in chosen]
