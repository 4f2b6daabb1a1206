"""What every plan promises of `enqueue`: launches only, and a replay of its capture is the same."""

from collections.abc import Callable, Iterable

import numpy as np

from edgecv.cuda.memory import DeviceArray
from edgecv.cuda.session import Session
from edgecv.cuda.stream import Stream
from tests.cuda.device import log_of

ASYNCHRONOUS = {"launch", "memset", "dtod", "event_record", "wait_for_event"}


def run_eagerly(session: Session, enqueue: Callable[[Stream], None]) -> list[tuple]:
    """Enqueue once and wait; the driver calls of `enqueue` must be launches, fills, device copies.

    Returns:
        Those calls (none on a real device): `("launch", name, grid, block)`, ….
    """
    stream, log = session.stream(), log_of(session)
    before = len(log) if log is not None else 0
    enqueue(stream)
    calls = log[before:] if log is not None else []
    stream.synchronize()
    assert not [call for call in calls if call[0] not in ASYNCHRONOUS], calls
    return calls


def assert_capturable(
    session: Session, enqueue: Callable[[Stream], None], outputs: Iterable[DeviceArray]
) -> list[np.ndarray]:
    """Run `enqueue` eagerly, then from a captured graph; both give the same bytes in `outputs`.

    Between the two, every word of device memory that the first run changed is overwritten: a
    second frame must not live on what the first one left (a counter nobody resets, a workspace
    that was zero once).

    Args:
        session: The fixture's.
        enqueue: Puts the work into the stream it is given, for instance
            `lambda stream: plan.enqueue(stream, boxes, ids, count)`.
        outputs: What it writes; each is overwritten with rubbish before each run.

    Returns:
        The outputs, in host memory.
    """
    outputs = list(outputs)
    stream = session.stream()

    def spoil():
        for output in outputs:
            output.fill(stream, 0x5A)
        stream.synchronize()

    spoil()
    before = _memory_of(session)
    run_eagerly(session, enqueue)
    eager = [session.download(output) for output in outputs]
    _spoil_changed(session, before)
    graph = session.graph(stream, lambda: enqueue(stream))
    spoil()
    graph.launch(stream)
    stream.synchronize()
    replayed = [session.download(output) for output in outputs]
    graph.close()
    for at, (first, second) in enumerate(zip(eager, replayed, strict=True)):
        assert first.tobytes() == second.tobytes(), f"output {at} differs when replayed"
    return replayed


def _memory_of(session: Session) -> list[tuple[DeviceArray, np.ndarray]]:
    """Every allocation of the session, with a copy of its bytes."""
    owned = list(session._ledger._owned.values())
    arrays = [DeviceArray(session._driver, (one.nbytes,), "uint8", one) for one in owned]
    return [(array, session.download(array)) for array in arrays]


def _spoil_changed(session: Session, before: list[tuple[DeviceArray, np.ndarray]]) -> None:
    """Set every 32-bit word (or last bytes) that has changed since `before` to all ones."""
    for array, old in before:
        new = session.download(array)
        words = len(new) // 4
        changed = np.zeros(len(new), bool)
        if words:
            differ = (new[: 4 * words] != old[: 4 * words]).reshape(-1, 4).any(axis=1)
            changed[: 4 * words] = np.repeat(differ, 4)
        changed[4 * words :] = new[4 * words :] != old[4 * words :]
        if changed.any():
            session._driver.memcpy_htod(array.address, np.where(changed, 0xFF, new).astype("u1"))
    session.synchronize()
