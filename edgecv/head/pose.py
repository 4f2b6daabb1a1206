"""Heads of pose networks: maps of joints become joints, or people.

How a cell index becomes an input pixel is `align`, because networks were trained with different
rules. x is the (refined) index, s the stride, w the map's and W the input's width in pixels; input
pixels count from the outer corner of the first pixel, as everywhere in edgecv:

- `centre`: (x + 0.5) s. Cells tile the input; OpenPose and its light form train so.
- `classic`: x s + 0.5. Pixel centres are divided by the stride; SimpleBaseline, HRNet and DARK.
- `udp`: x (W - 1) / (w - 1) + 0.5. First and last cell lie on the first and last pixel's centre
  (Huang et al., arXiv:1911.07524, section 3.2).
"""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from edgecv.head.schema import HeadSchema

Pairs = tuple[tuple[int, int], ...]
Align = Literal["centre", "classic", "udp"]


class Skeleton(NamedTuple):
    """Joints and the lines between them.

    `limbs` are in the order in which people are assembled; limb i points from its first joint to
    its second, and `fields[i]` are the channels of its Part Affinity Field, x and y. The last
    `closing` limbs join what is there already: they begin no person.
    """

    joints: tuple[str, ...]
    limbs: Pairs
    fields: Pairs
    closing: int = 0


_RIGHT_LEFT = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO17 = Skeleton(
    joints=(
        "nose", "left_eye", "right_eye", "left_ear", "right_ear",
        *(f"{side}_{part}" for part in _RIGHT_LEFT for side in ("left", "right")),
    ),
    limbs=(
        (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12), (11, 13), (13, 15), (12, 14),
        (14, 16), (0, 5), (0, 6), (0, 1), (0, 2), (1, 3), (2, 4), (11, 12), (1, 2),
    ),
    fields=tuple((2 * i, 2 * i + 1) for i in range(19)),
    closing=2,
)  # fmt: skip
# Joints, limbs and channels of OpenPose's COCO body (Cao et al., arXiv:1812.08008), as the light
# networks of Osokin (arXiv:1811.12004) number them too.
COCO18 = Skeleton(
    joints=(
        "nose", "neck",
        *(f"right_{part}" for part in _RIGHT_LEFT[:3]),
        *(f"left_{part}" for part in _RIGHT_LEFT[:3]),
        *(f"right_{part}" for part in _RIGHT_LEFT[3:]),
        *(f"left_{part}" for part in _RIGHT_LEFT[3:]),
        "right_eye", "left_eye", "right_ear", "left_ear",
    ),
    limbs=(
        (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12),
        (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (2, 16), (5, 17),
    ),
    fields=(
        (12, 13), (20, 21), (14, 15), (16, 17), (22, 23), (24, 25), (0, 1), (2, 3), (4, 5), (6, 7),
        (8, 9), (10, 11), (28, 29), (30, 31), (34, 35), (32, 33), (36, 37), (18, 19), (26, 27),
    ),
    closing=2,
)  # fmt: skip
SKELETONS = {"coco17": COCO17, "coco18": COCO18}


class PoseSchema(HeadSchema):
    """What heads of pose networks have in common.

    Attributes:
        skeleton: Joints and limbs: a published set, or `own`: `names` and `edges` of the recipe.
        edges: With `own`, pairs of joint indices that are drawn as lines.
        stride: Input pixels per cell.
        align: How cells lie on the input; see the module.
    """

    task: ClassVar[str] = "pose"

    skeleton: Literal["coco17", "coco18", "own"] = "coco17"
    edges: Pairs = ()
    stride: int = Field(4, ge=1)
    align: Align = "classic"

    @model_validator(mode="after")
    def _joints_are_known(self) -> PoseSchema:
        if self.skeleton != "own":
            if self.edges:
                raise ValueError("edges: only with skeleton: own")
            known = len(SKELETONS[self.skeleton].joints)
            if self.names and len(self.names) != known:
                raise ValueError(f"names: skeleton {self.skeleton} has {known} joints")
        for pair in self.edges:
            if min(pair) < 0 or (self.names and max(pair) >= len(self.names)):
                raise ValueError(f"edges: {pair} is not a pair of joint indices")
        return self

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the joints; empty if the recipe's own skeleton gives none."""
        return self.names or (() if self.skeleton == "own" else SKELETONS[self.skeleton].joints)

    @property
    def lines(self) -> Pairs:
        """Pairs of joints that are drawn as lines."""
        return self.edges if self.skeleton == "own" else SKELETONS[self.skeleton].limbs


class HeatmapHead(PoseSchema):
    """`heatmap` (N, J, h, w): the highest cell of each map is a joint of the one person shown.

    SimpleBaseline (Xiao et al., arXiv:1804.06208), hourglasses, HRNet.

    Attributes:
        refine: `none`, `quarter` of a cell towards the larger neighbour, or `taylor` (DARK).
        blur: Side of the Gaussian blur before `taylor`; 0 for none. DARK uses that of its training
            targets: 11 for maps of 64 x 48.
        score: Joints below this value of their map are given with score 0 and not drawn.
    """

    roles: ClassVar[tuple[str, ...]] = ("heatmap",)

    kind: Literal["heatmap"] = "heatmap"
    refine: Literal["none", "quarter", "taylor"] = "quarter"
    blur: int = Field(0, ge=0, le=31)
    score: float = Field(0.2, ge=0, le=1)

    @model_validator(mode="after")
    def _blur_has_a_middle(self) -> HeatmapHead:
        if self.blur and self.blur % 2 == 0:
            raise ValueError("blur: must be odd, or 0")
        return self


class IntegralHead(PoseSchema):
    """`heatmap` (N, J, h, w): the mean place under each map's softmax (arXiv:1711.08229).

    Attributes:
        beta: Factor of the map before the softmax.
        score: Joints whose highest cell has less than this share are given with score 0.
    """

    roles: ClassVar[tuple[str, ...]] = ("heatmap",)

    kind: Literal["integral"] = "integral"
    beta: float = Field(1.0, gt=0)
    score: float = Field(0.0, ge=0, le=1)


class PafHead(PoseSchema):
    """`heatmaps` (N, J or J + 1, h, w) and `pafs` (N, 2 L, h, w): people by Part Affinity Fields.

    OpenPose (Cao et al., arXiv:1611.08050, arXiv:1812.08008). A map after the joints'
    (background) is not looked at.

    Attributes:
        limbs: With `own`, pairs of joints in the order in which people are assembled.
        fields: With `own`, the two channels of each limb in `pafs`; empty: 2 i and 2 i + 1.
        closing: With `own`, how many limbs at the end begin no person.
        peak: Peaks of `heatmaps` below this are no joints.
        affinity: A sample of a limb counts if the field along it is above this.
        share: More than this share of a limb's 10 samples must count.
        min_joints: People with fewer joints are dropped.
        min_score: People are dropped whose joints' and limbs' scores together, per joint, are less.
        max_people: At most this many are kept, the best first.
    """

    roles: ClassVar[tuple[str, ...]] = ("heatmaps", "pafs")

    kind: Literal["paf"] = "paf"
    skeleton: Literal["coco17", "coco18", "own"] = "coco18"
    stride: int = Field(8, ge=1)
    align: Align = "centre"
    limbs: Pairs = ()
    fields: Pairs = ()
    closing: int = Field(0, ge=0)
    peak: float = Field(0.1, gt=0, le=1)
    affinity: float = Field(0.05, ge=0, le=1)
    share: float = Field(0.8, ge=0, lt=1)
    min_joints: int = Field(3, ge=1)
    min_score: float = Field(0.2, ge=0)
    max_people: int = Field(32, ge=1, le=64)

    @model_validator(mode="after")
    def _limbs_fit(self) -> PafHead:
        if self.skeleton != "own":
            if self.limbs or self.fields or self.closing:
                raise ValueError("limbs, fields, closing: only with skeleton: own")
            return self
        if not self.names or not self.limbs:
            raise ValueError("skeleton own: names and limbs must be given")
        if self.fields and len(self.fields) != len(self.limbs):
            raise ValueError("fields: one pair of channels a limb")
        if any(min(pair) < 0 or max(pair) >= len(self.names) for pair in self.limbs):
            raise ValueError("limbs: an index is not a joint's")
        if any(min(pair) < 0 for pair in self.fields) or self.closing > len(self.limbs):
            raise ValueError("fields and closing must fit the limbs")
        return self

    @property
    def anatomy(self) -> Skeleton:
        """Joints, limbs and their channels."""
        if self.skeleton != "own":
            return SKELETONS[self.skeleton]._replace(joints=self.joints)
        fields = self.fields or tuple((2 * i, 2 * i + 1) for i in range(len(self.limbs)))
        return Skeleton(self.names, self.limbs, fields, self.closing)

    @property
    def lines(self) -> Pairs:
        """Pairs of joints that are drawn as lines: `edges`, or the limbs that begin people."""
        limbs = self.anatomy.limbs
        return self.edges or limbs[: len(limbs) - self.anatomy.closing]
