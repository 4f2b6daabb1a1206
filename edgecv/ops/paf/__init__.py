"""Part Affinity Fields: peaks of joint maps, limbs between them, people from limbs.

Cao et al., arXiv:1611.08050 and arXiv:1812.08008, at the resolution of the network's maps: the
published decoders enlarge all maps 4 or 8 times first, and look for peaks there. Coordinates are
cell indices as in `edgecv.ops.heatmap`. What every twin must compute, in float32 unless said:

1. Peaks. A cell is a candidate if it is positive and the maximum of the 3x3 cells round it (on a
   plateau the lower index; NaN is none and hides none). Along x and y each, a parabola through the
   logarithms of the cell and its two neighbours (neighbours at least a tenth of the cell; float64)
   gives the step to the peak and its height: exact for a Gaussian, so enlarging is not needed. At
   the border there is no step across it. Candidates whose height is below `peak` are dropped. The
   `PEAKS` highest of a part are kept, highest first, ties by the lower cell.
2. Limbs. Between each pair of peaks of a limb's two parts the field is sampled (bilinear) at
   `SAMPLES` points from end to end; its component along the limb counts where it is above
   `affinity`. Score: the mean of those that count, less a penalty for limbs longer than half the
   map's height h, min(h / (2 length) - 1, 0). A pair stays if more than `share` of its samples
   count and its score is positive. Best pairs first (ties: lower first peak, then lower second),
   each peak used once.
3. People. Limbs in order, their connections best first: if neither end belongs to a person they
   begin one (not the last `closing` limbs); if one does, the other end joins, unless the person
   has that part already; if both do, two people that share no part become one (the earlier). A
   person's sum is that of its joints' and connections' scores.
4. People with fewer than `min_joints` joints, or a sum below `min_score` a joint, are dropped. The
   rest, by falling mean score of their joints (ties: the earlier), are cut at `max_people`.

Like the published code in the sum and in `share`, unlike it in that people merge, and in that a
part that is taken is not overwritten.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError, UsageError
from edgecv.ops._op import Op

Array = npt.NDArray[Any]
Pairs = tuple[tuple[int, int], ...]

OP = Op("paf", atol=1e-4, share=0.02)  # logarithms in float64 may differ in the last bit

PEAKS = 64  # a part; more are counted as overflow
SAMPLES = 10  # of the field, along one limb
WORKING = 128  # people under assembly
MAX_JOINTS = 32
MAX_LIMBS = 64
FAINT = 0.1  # neighbours of a peak count at least this share of it in the parabola
LEAST = 0.25  # a candidate below this share of `peak` cannot rise above it


class Grouping(NamedTuple):
    """How joints become people; see the module.

    `limbs`: pairs of parts; `fields`: the channels (x, y) of each limb's field.
    """

    limbs: Pairs
    fields: Pairs
    closing: int = 0
    peak: float = 0.1
    affinity: float = 0.05
    share: float = 0.8
    min_joints: int = 3
    min_score: float = 0.2
    max_people: int = 32

    @property
    def needed(self) -> int:
        """Samples of a limb that must count: more than `share` of them."""
        return math.floor(self.share * SAMPLES + 1e-9) + 1


class People(NamedTuple):
    """Who was found: (P, J, 3) float32 x, y in cells and score (0, 0, 0: not found); (P,) float32.

    `dropped`: peaks and people for which there was no room.
    """

    joints: Array
    scores: Array
    dropped: int


def paf(
    heatmaps: Array, fields: Array, joints: int, grouping: Grouping, *, provider: str = "cpu"
) -> People:
    """People of one image.

    Args:
        heatmaps: (C, h, w) float32, C >= `joints`; maps after the joints' are not looked at.
        fields: (F, h, w) float32.
        joints: Parts of a person, at most MAX_JOINTS.
        grouping: Limbs and limits.
        provider: "cpu".

    Raises:
        ShapeError: wrong shapes or dtypes, or maps that lack a part or a limb's channel.
        UsageError: a grouping that names what is not there.
    """
    if heatmaps.ndim != 3 or heatmaps.dtype != np.float32 or 0 in heatmaps.shape:
        got = f"{heatmaps.shape} {heatmaps.dtype}"
        raise ShapeError("heatmaps must be (C, h, w) float32", got=got)
    if fields.ndim != 3 or fields.dtype != np.float32 or fields.shape[1:] != heatmaps.shape[1:]:
        raise ShapeError(
            "fields must be (F, h, w) float32, as large as the heatmaps",
            got=f"{fields.shape} {fields.dtype}",
            heatmaps=f"{heatmaps.shape}",
        )
    check_grouping(grouping, joints, heatmaps.shape[0], fields.shape[0])
    found: People = OP.on(provider)(heatmaps, fields, joints, grouping)
    return found


def check_grouping(grouping: Grouping, joints: int, maps: int, channels: int) -> None:
    """Hold a grouping to what the tensors have.

    Raises:
        ShapeError: fewer maps than joints, or fewer channels than the limbs name.
        UsageError: limbs of unknown parts, too many of something, or a limit without meaning.
    """
    if maps < joints:
        raise ShapeError(
            "there are fewer heatmaps than joints", got=maps, needed=joints, fix="head.skeleton"
        )
    highest = max((channel for pair in grouping.fields for channel in pair), default=-1)
    if channels <= highest:
        raise ShapeError(
            "there are fewer field channels than the limbs name", got=channels, needed=highest + 1
        )
    if not 1 <= joints <= MAX_JOINTS or not 1 <= len(grouping.limbs) <= MAX_LIMBS:
        raise UsageError(
            f"at most {MAX_JOINTS} joints and {MAX_LIMBS} limbs",
            joints=joints,
            limbs=len(grouping.limbs),
        )
    named = [part for pair in grouping.limbs for part in pair]
    if not all(0 <= part < joints for part in named) or any(a == b for a, b in grouping.limbs):
        raise UsageError("a limb must join two of the joints", joints=joints)
    if len(grouping.fields) != len(grouping.limbs) or not 1 <= grouping.max_people <= WORKING:
        raise UsageError(
            f"one pair of channels a limb, and 1 to {WORKING} people",
            fields=len(grouping.fields),
            max_people=grouping.max_people,
        )
    if not grouping.peak > 0 or not 0 <= grouping.share < 1:
        raise UsageError("peak must be above 0 and share in 0..1", got=grouping.peak)
