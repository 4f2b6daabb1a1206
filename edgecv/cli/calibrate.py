"""`edgecv calibrate RECIPE|MODEL.onnx`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import RUNS, JsonOpt, QuietOpt, RunsOpt, SetOpt, emit, user_errors

SourceArg = Annotated[Path, typer.Argument(help="Recipe (path or shipped name), or an ONNX file.")]
DataOpt = Annotated[
    Path | None, typer.Option("--data", help="Folder of pictures, instead of the training split.")
]
MethodOpt = Annotated[
    str, typer.Option("--method", "-m", help="minmax, entropy, percentile or mse.")
]
ImagesOpt = Annotated[int, typer.Option("--images", min=0, help="How many; 0: as the recipe says.")]

CacheOpt = Annotated[
    str,
    typer.Option(
        "--tensorrt-cache", help="Also write ranges.cache for TensorRT VERSION <= 10 (8.6.1)."
    ),
]


def calibrate(
    source: SourceArg,
    data: DataOpt = None,
    method: MethodOpt = "",
    images: ImagesOpt = 0,
    tensorrt_cache: CacheOpt = "",
    runs: RunsOpt = RUNS,
    sets: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Measure the activation ranges that int8 needs: RUNS/<recipe>/ranges.json.

    Reads model.onnx and pictures of the training split, never held-out ones. For an ONNX file
    that edgecv did not export: --data, and --set input.mean=[…] as the network was trained.
    """
    with user_errors(quiet):
        from edgecv.calibrate.stage import calibrate_source, summary
        from edgecv.calibrate.tensorrt_cache import cache_beside, require_version

        if tensorrt_cache:
            require_version(tensorrt_cache)
        path = calibrate_source(
            source, runs, images=data, method=method, count=images, overrides=sets or ()
        )
        lines = [f"ranges  {path}"]
        if tensorrt_cache:
            lines.append(f"cache   {cache_beside(path, tensorrt_cache)}")
        emit(summary(path), as_json, lambda: "\n".join(lines))
