"""Guesses of the heads of learned features from a graph's outputs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from edgecv.bundle import Tensor


class FeaturesGuess(NamedTuple):
    """Role -> output, further keys of the head, and key -> the reason in words."""

    outputs: dict[str, str]
    values: dict[str, Any]
    why: dict[str, str]


def guess_keypoints(found: tuple[Tensor, ...], size: tuple[int, int]) -> FeaturesGuess | None:
    """Head `keypoints`: a channel a pixel of a cell and a dustbin, descriptors of as many cells.

    Cells of 4 pixels and more: fewer channels are anything.
    """
    if len(found) != 2 or any(len(item.shape) != 4 for item in found):
        return None
    for scores, described in (found, found[::-1]):
        side = math.isqrt(max(0, scores.shape[1] - 1))
        cells = (scores.shape[2] * side, scores.shape[3] * side)
        fits = side >= 4 and side * side + 1 == scores.shape[1] and cells == size
        if not fits or described.shape[2:] != scores.shape[2:]:
            continue
        why = {
            "kind": f"{scores.shape[1]} channels, {side}x{side} pixels and a dustbin, a cell",
            "stride": f"{size[0]} input pixels / {scores.shape[2]} cells",
            "grid": "a guess: as SuperGlue's authors sample SuperPoint",
        }
        roles = {"scores": scores.name, "descriptors": described.name}
        return FeaturesGuess(roles, {"stride": side, "grid": "superglue"}, why)
    return None


def guess_vector(found: tuple[Tensor, ...], size: tuple[int, int]) -> FeaturesGuess | None:
    """Head `features`: one vector a picture; class scores look alike, so the user has to say so."""
    if len(found) != 1 or len(found[0].shape) != 2:
        return None
    item = found[0]
    why = {"kind": f"one vector of {item.shape[1]} numbers"}
    return FeaturesGuess({"descriptor": item.name}, {}, why)
