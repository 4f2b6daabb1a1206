"""Build a bundle again from a bundle: on another machine, for another backend, without onnx."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from pydantic import ValidationError

from edgecv._version import __version__
from edgecv.build.finish import GRAPHS, complete
from edgecv.bundle import Bundle, Manifest, open_bundle, part_folder
from edgecv.engines import BACKENDS, Built, build_engine, choose_backend
from edgecv.engines.golden import GOLDEN, read_golden
from edgecv.errors import FileError, UnknownName, UsageError
from edgecv.files import whole_folder
from edgecv.plain_yaml import override
from edgecv.progress import note
from edgecv.recipe import Build, explain

_TYPED = ("precision", "rest", "keep", "backend")  # of the build section: what shaped the graph


def rebuild(
    folder: Path,
    *,
    backend: str = "",
    targets: tuple[str, ...] = (),
    out: Path | None = None,
    precision: str | None = None,
    overrides: Sequence[str] = (),
) -> Path:
    """Build the engine of a bundle anew from the graphs inside it, as it was asked for first.

    Graphs, scales, golden sample and contracts stay as they are; the engine, the layers, the
    tolerance and the manifest's facts about the machine are new. Accuracy and latency are dropped:
    they were another engine's.

    Args:
        folder: The bundle.
        backend: The engine wanted, or "auto"; default: the bundle's own.
        targets: TensorRT-RTX compute capabilities; default: the bundle's own.
        out: Where the new bundle goes; default: beside the old one, or in its place if the
            backend stays.
        precision: Only to be told off: a bundle's graph is typed already.
        overrides: `build.key=value`: what else the engine is asked for.

    Returns:
        The new bundle's folder.

    Raises:
        UsageError: another precision, or another graph, is asked for than the bundle has.
        RecipeError: an override does not fit the schema.
        UnknownName: no such backend.
        FileError: the bundle is broken.
        UnsupportedModel, MissingPackage, MachineError: as `engines.build_engine`.
        GateFailed: the engine does not compute what the graph says; nothing is written.
    """
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    _require_graph(bundle, precision)
    chosen = _backend(bundle, backend)
    options = _options(bundle, chosen, targets, overrides)
    beside = folder.parent / f"{manifest.precision.asked}-{chosen}"
    place = out or (folder if chosen == manifest.backend else beside)
    golden = read_golden(bundle.path(GOLDEN))
    note(f"building the {chosen} engine from {folder}")
    with whole_folder(place) as temporary:
        _copy_graphs(bundle, temporary)
        for name, part in bundle.parts.items():
            inside = part_folder(temporary, name)
            rebuild(part.folder, backend=chosen, targets=targets, out=inside, overrides=overrides)
        built = build_engine(
            chosen,
            temporary / "model.onnx",
            temporary,
            options,
            manifest.batch,
            source=temporary / "source.onnx",
        )
        complete(temporary, _renewed(manifest, options, built), built, golden, options.tolerance)
    return place


def _require_graph(bundle: Bundle, precision: str | None) -> None:
    """Refuse a bundle without a graph, or with one of another precision."""
    asked = bundle.manifest.precision.asked
    if precision and precision != asked:
        raise UsageError(
            "a bundle's precision cannot be changed: its graph is typed",
            bundle=asked,
            asked=precision,
            fix=f"edgecv build RECIPE --precision {precision}",
        )
    if "model.onnx" not in bundle.manifest.files:
        raise FileError("the bundle holds no model.onnx to build from", bundle=bundle.folder)


def _renewed(manifest: Manifest, options: Build, built: Built) -> Manifest:
    """The manifest with what another build makes new, but for what its engine shows."""
    return manifest.model_copy(
        update={
            "edgecv": __version__,
            "build": options,
            "backend": options.backend,
            "backend_version": built.version,
            "targets": built.targets,
            "engine": built.engine,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
    )


def _options(
    bundle: Bundle, backend: str, targets: tuple[str, ...], overrides: Sequence[str]
) -> Build:
    """What the first build was asked for, and what is asked for now."""
    manifest = bundle.manifest
    own = manifest.targets if manifest.backend == "tensorrt-rtx" else ()
    section = {**manifest.build.model_dump(), "backend": backend}
    section |= {"precision": manifest.precision.asked, "rest": manifest.precision.rest}
    if targets or own:
        section["targets"] = targets or own
    known = [f"build.{key}" for key in Build.model_fields if key not in _TYPED]
    for item in overrides:
        key = item.partition("=")[0].strip()
        if key not in known:
            raise UsageError(
                f"--set {key}: only its engine can be asked for otherwise, as a bundle's graph "
                "is typed",
                known=", ".join(known),
            )
        override({"build": section}, item)
    try:
        return Build.model_validate(section)
    except ValidationError as err:
        raise explain(err, bundle.folder) from err


def _backend(bundle: Bundle, asked: str) -> str:
    """The engine asked for, measured, or the bundle's own."""
    chosen = asked or bundle.manifest.backend
    if chosen not in (*BACKENDS, "auto"):
        raise UnknownName("backend", chosen, (*BACKENDS, "auto"))
    if chosen == "auto":
        precision = bundle.manifest.precision
        return choose_backend(bundle.path("model.onnx"), precision.asked, rest=precision.rest)
    return chosen


def _copy_graphs(bundle: Bundle, folder: Path) -> None:
    for name in GRAPHS:
        if name in bundle.manifest.files:
            shutil.copyfile(bundle.path(name), folder / name)
