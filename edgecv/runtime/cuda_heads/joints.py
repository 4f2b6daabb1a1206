"""What the device decoders of pose networks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from edgecv.errors import ShapeError
from edgecv.head import HeatmapHead, IntegralHead
from edgecv.head.pose import PoseSchema
from edgecv.results import Results
from edgecv.runtime.heads.joints import one_person
from edgecv.runtime.preprocess import Geometry

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.stream import Stream

Array = npt.NDArray[Any]


class JointsPlan(Protocol):
    """A plan that finds one joint a map: HeatmapPlan, SoftArgmaxPlan."""

    joints: DeviceArray

    def enqueue(self, stream: Stream, maps: DeviceArray) -> None:
        """Launch on (N, J, h, w) maps."""
        ...

    def close(self) -> None:
        """Free the output."""
        ...


def maps_of(head: PoseSchema, outputs: Mapping[str, DeviceArray], role: str) -> DeviceArray:
    """The (N, C, h, w) tensor that plays a role: ShapeError if it has another rank."""
    maps = outputs[head.tensor(role)]
    if len(maps.shape) != 4:
        raise ShapeError(f"head {type(head).__name__}: {role} must be (N, C, h, w)", got=maps.shape)
    return maps


class OnePersonDecoder:
    """Joints of the one person in each picture.

    Attributes:
        results: `joints` (N, J, 3): x, y in cells, score.
    """

    def __init__(
        self, head: HeatmapHead | IntegralHead, maps: DeviceArray, plan: JointsPlan
    ) -> None:
        """Decode `maps` by `plan`, which is freed by `close`."""
        self._head, self._maps, self._plan = head, maps, plan
        self.results: dict[str, DeviceArray] = {"joints": plan.joints}

    def enqueue(self, stream: Stream) -> None:
        """Launch."""
        self._plan.enqueue(stream, self._maps)

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Keypoints of the first pictures of the batch, from a host copy of `results`."""
        grid = (self._maps.shape[2], self._maps.shape[3])
        return [
            one_person(self._head, np.array(joints), self._head.score, geometry, grid)
            for joints, geometry in zip(host["joints"], geometries, strict=False)
        ]

    def close(self) -> None:
        """Free everything."""
        self._plan.close()
