"""Drawn people with joints, on real photographs: test data for pose networks.

A person is a skeleton of COCO's 17 keypoints (Lin et al., arXiv:1405.0312) in a random posture,
drawn as limbs, clothes and a head, seen from the front or from behind. Later people cover earlier
ones. Held-out pictures show held-out photographs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from edgecv.data import photographs
from edgecv.data.background import background
from edgecv.data.drawn import Drawn, Kind
from edgecv.data.figure import JOINTS, LIMBS, draw_figure, posture
from edgecv.data.options import Options
from edgecv.data.sample import Sample, tight_boxes

Array = npt.NDArray[Any]

LEAST_VISIBLE = 0.3  # a person of whom less is seen is marked as crowd

__all__ = ["JOINTS", "LIMBS", "People", "PeopleOptions"]


class PeopleOptions(Options):
    """What a picture looks like.

    Attributes:
        size: Height and width in pixels.
        min_people: Fewest people.
        max_people: Most people.
        smallest: Least height of a person as a share of `size`.
        largest: Greatest height, likewise.
    """

    size: int = Field(256, ge=64, le=2048)
    min_people: int = Field(1, ge=0, le=20)
    max_people: int = Field(4, ge=1, le=20)
    smallest: float = Field(0.4, ge=0.1, le=1)
    largest: float = Field(0.9, ge=0.1, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> PeopleOptions:
        if self.min_people > self.max_people or self.smallest > self.largest:
            raise ValueError("min_people <= max_people and smallest <= largest must hold")
        return self


class People(Drawn[Sample, PeopleOptions]):
    """Pictures of people of one split.

    Keypoints outside the picture are (0, 0, 0); those covered by the person's own head seen from
    behind, or by another person, are 1 (hidden), else 2. Boxes and masks are of what is seen;
    people of whom nothing is seen are left out.
    """

    kind = Kind("people", edition=1, train=6, val=7, materials=("photographs",))
    names = ("person",)

    def _draw(self, rng: np.random.Generator, name: str) -> Sample:
        size = self.options.size
        photograph = photographs.choose(self.split, rng)
        image = background(photographs.pyramid(photograph), size, rng)
        owner = np.full((size, size), -1, np.int16)
        count = int(rng.integers(self.options.min_people, self.options.max_people + 1))
        joints, areas = np.zeros((count, len(JOINTS), 3), np.float32), np.zeros(count)
        for person in range(count):
            height, foot = self._stand(rng)
            places, facing = posture(height, foot, rng)
            joints[person] = places
            mask = draw_figure(image, places, height, facing, rng)
            owner[mask] = person
            areas[person] = mask.sum()
        return self._labelled(image, owner, joints, areas, name)

    def _stand(self, rng: np.random.Generator) -> tuple[float, Array]:
        """A person's height in pixels, and where the middle of the body is."""
        draw, size = rng.random(3), self.options.size
        low, high = self.options.smallest, self.options.largest
        height = float(size * (low + (high - low) * draw[0]))
        middle = np.array([size * (0.1 + 0.8 * draw[1]), size * (0.4 + 0.2 * draw[2])])
        return height, middle

    def _labelled(
        self, image: Array, owner: Array, joints: Array, areas: Array, name: str
    ) -> Sample:
        masks = owner[None] == np.arange(len(joints), dtype=np.int16)[:, None, None]
        seen = masks.sum((1, 2))
        kept = np.flatnonzero(seen)
        for person in kept:
            _mark(joints[person], owner, int(person))
        masks = masks[kept]
        return Sample(
            image=image,
            id=name,
            boxes=tight_boxes(masks),
            ids=np.zeros(len(kept), np.int64),
            masks=masks,
            semantic=(owner >= 0).astype(np.uint8),
            keypoints=joints[kept],
            crowd=seen[kept] < LEAST_VISIBLE * areas[kept],
        )


def _mark(joints: Array, owner: Array, person: int) -> None:
    """Set visibility from who owns the pixel under each joint; clear joints outside."""
    size = len(owner)
    inside = ((joints[:, :2] >= 0) & (joints[:, :2] < size)).all(1)
    joints[~inside] = 0
    at = joints[inside, :2].astype(np.int64)
    covered = owner[at[:, 1], at[:, 0]] > person
    joints[np.flatnonzero(inside)[covered], 2] = 1
