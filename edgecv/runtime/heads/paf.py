"""Bottom-up pose: people by Part Affinity Fields (edgecv.ops.paf)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgecv.head import PafHead
from edgecv.ops.paf import Grouping, paf
from edgecv.results import Results
from edgecv.runtime.heads import role
from edgecv.runtime.heads.joints import check_joints, people_of
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]


def decode(
    head: PafHead, outputs: Mapping[str, Array], geometries: Sequence[Geometry]
) -> list[Results]:
    """See `edgecv.runtime.heads.decode`: any number of people a picture."""
    heatmaps = role(head, outputs, "heatmaps", (None, None, None))
    check_joints(head, heatmaps.shape[1], background=True)
    grid = (heatmaps.shape[2], heatmaps.shape[3])
    fields = role(head, outputs, "pafs", (None, *grid))
    found: list[Results] = []
    for maps, field, geometry in zip(heatmaps, fields, geometries, strict=False):
        people = paf(maps, field, len(head.joints), grouping_of(head))
        found.append(people_of(head, people.joints, people.scores, geometry, grid, people.dropped))
    return found


def grouping_of(head: PafHead) -> Grouping:
    """The op's arguments that a head stands for."""
    anatomy = head.anatomy
    return Grouping(
        limbs=anatomy.limbs,
        fields=anatomy.fields,
        closing=anatomy.closing,
        peak=head.peak,
        affinity=head.affinity,
        share=head.share,
        min_joints=head.min_joints,
        min_score=head.min_score,
        max_people=head.max_people,
    )
