"""TensorRT-RTX: engines for RTX cards, built on any machine, executed on an RTX GPU only.

Building needs no GPU and was run without one. Executing was not run on a GPU.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from edgecv.bundle import Layer, Manifest
from edgecv.engines.contract import Built, require_file
from edgecv.engines.trt_job import Job
from edgecv.engines.trt_match import installed_version, mismatch
from edgecv.engines.trt_process import build_in_child
from edgecv.engines.trt_run import load_plan
from edgecv.errors import UsageError
from edgecv.recipe import Build

FLAVOUR = "tensorrt-rtx"
ENGINE_FILE = "engine.rtx"

load_engine = partial(load_plan, FLAVOUR)


def build_engine(
    model: Path,
    folder: Path,
    options: Build,
    batch: tuple[int, int, int],
    *,
    source: Path | None = None,
) -> Built:
    """Build for the targets of `options`, in a child process.

    Raises:
        MissingPackage, FileError, UnsupportedModel, UnknownName: see `engines.build_engine`.
        UsageError: an option TensorRT-RTX does not have, or no target.
    """
    require_file(model, "ONNX file")
    if not options.targets:
        raise UsageError("TensorRT-RTX needs a target", fix="--target sm86,sm89,sm120")
    if options.dla_core >= 0:
        raise UsageError("TensorRT-RTX has no DLA", fix="--set build.dla_core=-1")
    job = Job(
        flavour=FLAVOUR,
        model=str(model.resolve()),
        source="",
        plan=str((folder / ENGINE_FILE).resolve()),
        options=options.model_dump(mode="json"),
        batch=batch,
        workspace_bytes=options.workspace_mib << 20,
    )
    built = build_in_child(job)
    layers = tuple(Layer(**layer) for layer in built["layers"])
    targets, version = tuple(built["targets"]), installed_version(FLAVOUR)
    return Built(ENGINE_FILE, version, layers, targets, log=tuple(built["log"]))


def require_match(manifest: Manifest) -> dict[str, object]:
    """Facts that keep the engine from loading here; empty if there are none."""
    return mismatch(manifest, exact=True)
