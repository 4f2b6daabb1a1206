"""Guesses of pose heads from a graph's outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from edgecv.bundle import Tensor
from edgecv.head.pose import SKELETONS

LastOperators = Callable[[str], set[str]]


class PoseGuess(NamedTuple):
    """Role -> output, further keys of the head, and key -> the reason in words."""

    outputs: dict[str, str]
    values: dict[str, Any]
    why: dict[str, str]


def guess_maps(found: tuple[Tensor, ...], size: tuple[int, int]) -> PoseGuess | None:
    """Heads `heatmap` and `integral`: one output of a map a joint.

    Any map of scores looks so, so it is asked only for a head that the user named.
    """
    maps = [item for item in found if len(item.shape) == 4]
    stride = _stride(maps, size)
    if len(found) != 1 or not stride:
        return None
    item = maps[0]
    count, cells = item.shape[1], "x".join(map(str, item.shape[2:]))
    known = [name for name, skeleton in SKELETONS.items() if len(skeleton.joints) == count]
    skeleton = known[0] if known else "own"
    why = {
        "kind": f"one output of {count} maps of {cells} cells",
        "skeleton": f"{count} maps, a joint each",
        "stride": f"{size[0]} input pixels / {item.shape[2]} cells",
    }
    return PoseGuess({"heatmap": item.name}, {"skeleton": skeleton, "stride": stride}, why)


def guess_paf(found: tuple[Tensor, ...], size: tuple[int, int]) -> PoseGuess | None:
    """Head `paf`: the maps of a published skeleton, a background or not, and its fields."""
    maps = [item for item in found if len(item.shape) == 4]
    stride = _stride(maps, size)
    if len(found) != 2 or len(maps) != 2 or not stride:
        return None
    heatmaps, fields = sorted(maps, key=lambda item: item.shape[1])
    for name, skeleton in SKELETONS.items():
        joints, channels = len(skeleton.joints), 2 * len(skeleton.limbs)
        if heatmaps.shape[1] - joints not in (0, 1) or fields.shape[1] != channels:
            continue
        if heatmaps.shape[1] == 18 and joints == 17:
            continue  # rather OpenPose's 18 joints than 17 and a background
        why = {
            "kind": f"{heatmaps.shape[1]} maps and {channels} channels of as many cells",
            "skeleton": f"{joints} joints and {len(skeleton.limbs)} limbs",
            "stride": f"{size[0]} input pixels / {heatmaps.shape[2]} cells",
        }
        roles = {"heatmaps": heatmaps.name, "pafs": fields.name}
        return PoseGuess(roles, {"skeleton": name, "stride": stride}, why)
    return None


def _stride(maps: list[Tensor], size: tuple[int, int]) -> int:
    """Input pixels per cell of maps of one size; 0 where there is no whole stride."""
    grids = {item.shape[2:] for item in maps}
    if len(grids) != 1:
        return 0
    height, width = grids.pop()
    stride = size[0] // max(height, 1)
    return stride if stride >= 1 and (height * stride, width * stride) == size else 0
