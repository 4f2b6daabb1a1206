"""The runtime: a bundle becomes a callable, pre-processing, engine and decoding in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecv.bundle import Bundle
    from edgecv.engines import Engine
    from edgecv.runtime.model import Model

__all__ = ["load"]


def load(bundle: str | Path, *, threads: int = 0, streams: int = 1) -> Model:
    """Open a bundle as a callable, warm: the first picture takes no longer than the next.

    Its digests, the engine's version and the device are checked before the engine is read. Only
    load bundles you trust: an engine file may carry code.

    Args:
        bundle: The bundle's folder.
        threads: CPU threads of all streams together; 0: the engine's choice.
        streams: How many frames the engine may compute at once; on a GPU each costs an execution
            context's memory.

    Raises:
        FileError: no bundle, a broken one, or one whose head does not fit its engine.
        EngineMismatch: the engine was built for another version or device.
        MissingPackage, MachineError: this machine lacks what the engine needs.
    """
    from edgecv.bundle import open_bundle
    from edgecv.engines import open_engine

    opened = open_bundle(Path(bundle))
    engine = open_engine(opened, threads=threads, streams=streams)
    model = None
    try:
        model = _model(opened, engine)
        model.add_parts(threads=threads)
        model.warm_up()
        return model
    except BaseException:
        (model or engine).close()
        raise


def _model(bundle: Bundle, engine: Engine) -> Model:
    """On the device from the frame on where the engine can take it there, else on the CPU."""
    if hasattr(engine, "context"):
        from edgecv.runtime.device.model import DeviceModel

        return DeviceModel(bundle, engine)  # type: ignore[arg-type]  # only plans have contexts
    from edgecv.runtime.model import Model

    return Model(bundle, engine)
