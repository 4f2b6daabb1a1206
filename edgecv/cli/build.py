"""`edgecv build RECIPE|MODEL.onnx|BUNDLE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgecv.cli.options import HELP, RUNS, JsonOpt, QuietOpt, RunsOpt, SetOpt, emit, user_errors

FromArg = Annotated[Path, typer.Argument(help="A recipe, a foreign ONNX file, or a bundle.")]
PrecisionOpt = Annotated[
    str, typer.Option("--precision", "-p", help="fp32, tf32, fp16, int8 or mixed.")
]
BackendOpt = Annotated[
    str, typer.Option(help="auto, tensorrt, tensorrt-rtx, openvino or onnxruntime.")
]
TargetOpt = Annotated[str, typer.Option(help="TensorRT-RTX: capabilities, e.g. sm86,sm89.")]
OutOpt = Annotated[Path | None, typer.Option(help="The bundle's folder.")]
ForceOpt = Annotated[bool, typer.Option("--force", help="Build even if it is up to date.")]
_ONNX = {"rich_help_panel": "For an ONNX file edgecv did not export"}
TaskOpt = Annotated[str, typer.Option(help=HELP["task"], **_ONNX)]
HeadOpt = Annotated[str, typer.Option(help=HELP["head"], **_ONNX)]
SizeOpt = Annotated[str, typer.Option(help="Input height x width, e.g. 224x224.", **_ONNX)]
MeanOpt = Annotated[str, typer.Option(help="Per channel, 0..255: 123.7,116.3,103.5", **_ONNX)]
StdOpt = Annotated[str, typer.Option(help="Per channel, 0..255.", **_ONNX)]
ColorOpt = Annotated[str, typer.Option(help="rgb, bgr or gray.", **_ONNX)]
ResizeOpt = Annotated[str, typer.Option(help="letterbox, stretch or crop.", **_ONNX)]
DataOpt = Annotated[Path | None, typer.Option(help="int8: folder of images.", **_ONNX)]


def build(
    source: FromArg,
    precision: PrecisionOpt = "",
    backend: BackendOpt = "",
    target: TargetOpt = "",
    out: OutOpt = None,
    force: ForceOpt = False,
    task: TaskOpt = "",
    head: HeadOpt = "",
    size: SizeOpt = "",
    mean: MeanOpt = "",
    std: StdOpt = "",
    color: ColorOpt = "",
    resize: ResizeOpt = "",
    data: DataOpt = None,
    runs: RunsOpt = RUNS,
    sets: SetOpt = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Build a bundle: RUNS/<recipe>/<precision>-<backend>, or anew from a bundle.

    Reads model.onnx and, for int8, ranges.json. A bundle that is up to date is left as it is.
    """
    with user_errors(quiet):
        from edgecv.build.finish import describe
        from edgecv.build.request import Request, fulfil, numbers, pair

        answers = {"task": task, "head": head, "size": pair(size), "mean": numbers(mean)}
        answers |= {"std": numbers(std), "color": color, "resize": resize}
        request = Request(
            source,
            runs,
            precision=precision,
            backend=backend,
            targets=tuple(name for name in target.split(",") if name),
            out=out,
            force=force,
            overrides=tuple(sets or ()),
            answers=answers,
            data=data,
        )
        folder = fulfil(request, _calibrate)
        emit(describe(folder), as_json, lambda: f"bundle  {folder}")


def _calibrate(recipe: Any, run: Any, folder: Path) -> None:
    from edgecv.calibrate import calibrate_recipe

    calibrate_recipe(recipe, run, images=folder)
