"""Which heads are decoded on the device; the others' raw outputs come back to the CPU twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.session import Session
from edgecv.cuda.stream import Stream
from edgecv.head import Head
from edgecv.ops.letterbox.cuda import SOURCE as LETTERBOX
from edgecv.ops.refine.cuda import Seen
from edgecv.results import Results
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry

Array = npt.NDArray[Any]
_ROOM = "edgecv.runtime.cuda_heads"


class Decoder(Protocol):
    """What `edgecv/runtime/cuda_heads/<kind>.py` offers; the room's docstring is the contract."""

    results: dict[str, DeviceArray]

    def enqueue(self, stream: Stream) -> None:
        """Launch; no allocation, no synchronisation, no copy.

        Of a module that says `PLACED = True` it takes letterbox's parameter block too, to know
        where the pictures lie, and its constructor takes the network's `input_size` and what the
        network sees, for heads that decode by it (`head.sees_pixels`).
        """
        ...

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """Results of the host copies of `results`, in picture pixels."""
        ...

    def close(self) -> None:
        """Free what it allocated."""
        ...


class RawDecoder:
    """For heads without device code: the engine's outputs are copied back and decoded by the CPU.

    Attributes:
        results: The engine's outputs that the head reads.
    """

    def __init__(
        self, session: Session, head: Head, outputs: Mapping[str, DeviceArray], *, batch: int
    ) -> None:
        """Keep what the head reads; nothing is allocated."""
        wanted = {head.tensor(role) for role in head.roles}
        self._head = head
        self.results = {name: array for name, array in outputs.items() if name in wanted}

    def enqueue(self, stream: Stream) -> None:
        """Nothing to launch."""

    def collect(self, host: Mapping[str, Array], geometries: Sequence[Geometry]) -> list[Results]:
        """See `edgecv.runtime.heads.decode`."""
        whole = {name: np.asarray(array, np.float32) for name, array in host.items()}
        return decode(self._head, whole, geometries)

    def close(self) -> None:
        """Nothing to free: the outputs are the lane's."""


class PlacedDecoder(Protocol):
    """A decoder whose results have the size of the picture."""

    def enqueue(self, stream: Stream, frames: DeviceArray) -> None:
        """Launch; `frames` is letterbox's parameter block, (batch, 32) int32."""
        ...


def enqueue(decoder: Decoder, head: Head, stream: Stream, frames: DeviceArray) -> None:
    """Launch a head's decoder for the pictures that `frames` describes."""
    if getattr(_module(head.kind), "PLACED", False):
        cast(PlacedDecoder, decoder).enqueue(stream, frames)
    else:
        decoder.enqueue(stream)


def make_decoder(
    session: Session,
    head: Head,
    outputs: Mapping[str, DeviceArray],
    *,
    batch: int,
    input_size: tuple[int, int] = (0, 0),
    seen: Seen | None = None,
) -> Decoder:
    """The device decoder of a head, or the one that leaves decoding to the CPU.

    Args:
        session: The device; current.
        head: What the outputs mean.
        outputs: The engine's outputs on the device: what every `enqueue` reads.
        batch: Pictures a run takes.
        input_size: Height and width of the network's input, for results of the picture's size.
        seen: What the network sees, for heads that decode by it.
    """
    module = _module(head.kind)
    made: Decoder
    if module is None:
        made = RawDecoder(session, head, outputs, batch=batch)
    elif getattr(module, "PLACED", False):
        sight = {"seen": seen} if getattr(module, "SEES", False) else {}
        made = module.Decoder(session, head, outputs, batch=batch, input_size=input_size, **sight)
    else:
        made = module.Decoder(session, head, outputs, batch=batch)
    return made


def kernel_sources(head: Head) -> tuple[Path, ...]:
    """Every .cu file a frame of this head needs, so that a bundle can carry their cubins."""
    module = _module(head.kind)
    own: tuple[Path, ...] = () if module is None else tuple(module.SOURCES)
    return (LETTERBOX, *own)


def _module(kind: str) -> Any | None:
    name = f"{_ROOM}.{kind}"
    try:
        found = find_spec(name) is not None
    except ModuleNotFoundError:  # the room itself is not there
        found = False
    return import_module(name) if found else None
