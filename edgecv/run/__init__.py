"""The stage `run`: a bundle looks at a source, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecv.errors import UsageError

if TYPE_CHECKING:
    from edgecv.run.sink import Sink
    from edgecv.run.sources import Frame
    from edgecv.runtime.model import Model

__all__ = ["run"]


def run(
    bundle: Path,
    source: str,
    *,
    save: Path | None = None,
    show: bool = False,
    limit: int = 0,
    each: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Run a bundle on every frame of a source.

    Args:
        bundle: The bundle's folder.
        source: Image, folder, glob, video, `v4l2://0`, `rtsp://...`, `csi://0`, GStreamer pipeline.
        save: Folder for annotated pictures or a video and results.jsonl; None: nothing is written.
        show: Open a window.
        limit: Stop after this many frames; 0: at the source's end.
        each: Called with each frame's row: {"source", "frame", "time_s", "ms", "result"}.

    Returns:
        {"frames", "dropped", "files"}.

    Raises:
        UsageError, FileError, ShapeError, MachineError, MissingPackage: before anything is written.
        IoFailed: the source broke off, or writing failed; what was complete is kept.
        KeyboardInterrupt: passed on after every file is closed.
    """
    from edgecv.images import opencv
    from edgecv.run.capabilities import require_window
    from edgecv.run.sink import Sink
    from edgecv.run.sources import open_source
    from edgecv.runtime import load

    opencv()  # here, so that its absence has one clear message
    if limit < 0:
        raise UsageError("--limit must be >= 0", got=limit)
    if show:
        require_window()
    with ExitStack() as stack:
        opened = stack.enter_context(closing(open_source(source)))
        model = stack.enter_context(load(bundle))
        sink = None
        if save:
            sink = stack.enter_context(
                Sink(save, opened.name, moving=opened.moving, fps=opened.fps)
            )
        frames = 0
        for frame in opened:
            row = _one(model, frame, sink, show)
            if each:
                each(row)
            frames += 1
            if frames == limit or (show and _closed_by_user()):
                break
    files = [str(path) for path in sink.files] if sink else []
    return {"frames": frames, "dropped": opened.dropped, "files": files}


def _one(model: Model, frame: Frame, sink: Sink | None, show: bool) -> dict[str, Any]:
    """Run, draw and write one frame; its row for results.jsonl."""
    result, times = model.timed(frame.image)
    row = {
        "source": frame.source,
        "frame": frame.index,
        "time_s": frame.time_s,
        "ms": {name.removesuffix("_ms"): round(value, 3) for name, value in times.items()},
        "result": result.to_dict(),
    }
    if sink or show:
        canvas = result.draw(frame.image, line_width=model.bundle.manifest.run.line_width)
        if sink:
            sink.picture(canvas, frame.source)
            sink.line(row)
        if show:
            _show(canvas)
    return row


def _show(canvas: Any) -> None:
    import cv2

    from edgecv.errors import MachineError

    try:
        cv2.imshow("edgecv", canvas)
    except cv2.error as err:
        raise MachineError(
            "no window can be opened: is there a display?", reason=err.err, fix="--save DIR"
        ) from err


def _closed_by_user() -> bool:
    """Whether Esc or q was pressed in the window."""
    import cv2

    return (cv2.waitKey(1) & 0xFF) in (27, ord("q"))
