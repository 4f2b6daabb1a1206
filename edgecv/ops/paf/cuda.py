"""CUDA twin of paf: peaks, limbs and people on the device; some kilobytes come back.

Three launches, nothing on the host between them, so a captured graph holds the whole decoder
(OpenPose assembles its people on the CPU). Not run on a GPU yet: executed on the CPU by the
emulator of tests/cuda_emulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecv.errors import ShapeError
from edgecv.ops.paf import PEAKS, WORKING, Grouping, check_grouping

if TYPE_CHECKING:
    from edgecv.cuda.memory import DeviceArray
    from edgecv.cuda.session import Session
    from edgecv.cuda.stream import Stream

SOURCE = Path(__file__).with_name("paf.cu")
SOURCES = (SOURCE,)
_PEAK_THREADS, _LIMB_THREADS = 256, 128  # as in paf.cu


class PafPlan:
    """People of each image: `edgecv.ops.paf` on the device.

    Attributes:
        joints: (N, max_people, J, 3) float32: x, y in cells and score, best person first; zeros
            where a joint was not found, and beyond `count`.
        scores: (N, max_people) float32: the mean score of each person's joints.
        count: (N,) int32: how many people there are.
        dropped: (N,) int32: peaks and people for which there was no room.
        peaks: Of the first kernel, as `cpu.Peaks`: places, scores, counts, each with a batch.
        connections: Of the second, as `cpu.Connections`: pairs, scores, counts.
    """

    def __init__(
        self,
        session: Session,
        *,
        batch: int,
        maps: tuple[int, int, int],
        channels: int,
        joints: int,
        grouping: Grouping,
    ) -> None:
        """Allocate for `batch` images; inside `session.current()`.

        Args:
            session: The device.
            batch: Images.
            maps: (C, h, w) of the heatmaps, C >= `joints`.
            channels: Of the fields, which have the same (h, w).
            joints: Parts of a person.
            grouping: Limbs and limits.

        Raises:
            ShapeError, UsageError: as the CPU twin, or a size below 1.
        """
        if min(batch, *maps) < 1:
            raise ShapeError("a paf plan needs maps and images", got=f"{batch} of {maps}")
        check_grouping(grouping, joints, maps[0], channels)
        self._batch, self._maps, self._channels, self._parts = batch, maps, channels, joints
        self._grouping, self._count = grouping, len(grouping.limbs)
        table = np.concatenate([np.array(grouping.limbs), np.array(grouping.fields)], axis=1)
        self._limbs = session.upload(table.astype(np.int32))
        parts, limbs = (batch, joints, PEAKS), (batch, self._count, PEAKS)
        self._places = session.empty((*parts, 2), "float32")
        self._heights = session.zeros(parts, "float32")  # all of it is fetched, used or not
        self._counts, self._lost = (session.empty(parts[:2], "int32") for _ in range(2))
        self._pairs = session.empty((*limbs, 2), "int32")
        self._values = session.empty(limbs, "float32")
        self._found = session.empty(limbs[:2], "int32")
        self.peaks = (self._places, self._heights, self._counts)
        self.connections = (self._pairs, self._values, self._found)
        most = grouping.max_people
        self.joints = session.empty((batch, most, joints, 3), "float32")
        self.scores = session.empty((batch, most), "float32")
        self.count, self.dropped = (session.empty((batch,), "int32") for _ in range(2))
        loaded = session.kernels(SOURCE)
        types = {"float32": "f32", "float16": "f16"}
        self._peaks = {t: loaded.function(f"paf_peaks_{n}", "PiiifPPPP") for t, n in types.items()}
        self._connect = {
            t: loaded.function(f"paf_limbs_{n}", "PiiiPiPPfiPPP") for t, n in types.items()
        }
        self._people = loaded.function("paf_people", "PiiiPPPPPPifiPPPP")

    def enqueue(self, stream: Stream, heatmaps: DeviceArray, fields: DeviceArray) -> None:
        """Launch on heatmaps (N, C, h, w) and fields (N, F, h, w), each float32 or float16."""
        wants, limbs = self._grouping, (self._limbs, self._count)
        maps, height, width = self._maps
        sizes = (maps, height, width, wants.peak)
        found = (self._places, self._heights, self._counts, self._lost)
        grid = (self._parts, self._batch)
        kernel = self._peaks[str(heatmaps.dtype)]
        kernel.launch(stream, grid, (_PEAK_THREADS,), heatmaps, *sizes, *found)
        form = (self._channels, height, width, self._limbs)
        peaks, links = (self._parts, self._places, self._counts), self.connections
        limits = (wants.affinity, wants.needed)
        grid = (self._count, self._batch)
        kernel = self._connect[str(fields.dtype)]
        kernel.launch(stream, grid, (_LIMB_THREADS,), fields, *form, *peaks, *limits, *links)
        body = (*limbs, wants.closing, self._parts)
        least = (wants.min_joints, wants.min_score, wants.max_people)
        out = (self.joints, self.scores, self.count, self.dropped)
        known = (self._places, self._heights, self._lost)
        self._people.launch(stream, (self._batch,), (WORKING,), *body, *known, *links, *least, *out)

    def close(self) -> None:
        """Free the outputs and the workspace."""
        for array in (
            *(self._limbs, self._lost, *self.peaks, *self.connections),
            *(self.joints, self.scores, self.count, self.dropped),
        ):
            array.free()
