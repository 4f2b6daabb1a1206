"""The end of every build: measure what the engine gives, decide its tolerance, seal the bundle."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edgecv import engines
from edgecv._version import __version__
from edgecv.build.inputs import Source
from edgecv.build.kernels import add_kernels
from edgecv.bundle import (
    Bundle,
    Manifest,
    PrecisionRecord,
    Tensor,
    open_bundle,
    seal,
)
from edgecv.engines import Built, Engine
from edgecv.engines.golden import GOLDEN, Golden, differences, machine, write_golden
from edgecv.engines.trt_match import installed_version
from edgecv.engines.versions import backend_version
from edgecv.engines.where import where_it_runs
from edgecv.errors import FileError, GateFailed, MachineError
from edgecv.files import write_json
from edgecv.progress import note
from edgecv.recipe import Recipe

GRAPHS = ("model.onnx", "source.onnx")
# Relative to the largest |golden| value: what an engine may differ from ONNX Runtime on the same
# typed graph, and the least we grant. Sums in another order make 1e-6 in fp32. In int8 such a
# difference, where it falls on a rounding boundary, is a whole step, and each step moves its
# neighbours in the next layer: in CenterNet 0.01 % of the first activations differ between OpenVINO
# and ONNX Runtime, 15 % ten layers on, and the outputs by 5 %. What catches damage there is the
# comparison of an engine with itself (engines.golden).
LIMIT = {"fp32": 1e-4, "tf32": 2e-2, "fp16": 5e-2, "int8": 0.25, "mixed": 0.25}
FLOOR = {"fp32": 1e-5, "tf32": 5e-3, "fp16": 5e-3, "int8": 2e-2, "mixed": 2e-2}
_HOUR_S = 3600.0  # no build takes longer between two files
_SLACK = 3.0  # times what was measured, for other processors


@dataclass(frozen=True)
class Parts:
    """What a bundle is made from; `origin` is `edgecv.build.origin`'s digest."""

    recipe: Recipe
    run_id: str
    model_digest: str
    origin: str
    typed_file: Path
    source_file: Path

    def copy_graphs(self, folder: Path) -> None:
        """Copy the typed graph and, if there is one, its portable form."""
        for name, file in zip(GRAPHS, (self.typed_file, self.source_file), strict=True):
            if file.is_file():
                shutil.copyfile(file, folder / name)


def fresh(folder: Path, source: Source, origin: str) -> bool:
    """Whether `folder` holds a whole bundle made from exactly this, by the versions that are here.

    Args:
        folder: Where the bundle would be.
        source: Its recipe says the backend.
        origin: What `edgecv.build.origin` says of the source.
    """
    try:
        bundle = open_bundle(folder)
    except FileError:
        return False
    manifest, recipe = bundle.manifest, source.recipe
    return (
        manifest.edgecv == __version__
        and manifest.recipe_digest == recipe.digest("build")
        and manifest.origin == origin
        and manifest.model_digest == source.model_digest
        and manifest.run_id == source.run.run_id
        and manifest.data == recipe.data
        and manifest.build == recipe.build
        and manifest.evaluate == recipe.evaluate
        and manifest.run == recipe.run
        and manifest.bench == recipe.bench
        and manifest.report == recipe.report
        and manifest.batch == recipe.export.batches
        and manifest.backend_version == _version_here(manifest.backend)
    )


def _version_here(backend: str) -> str:
    """What a build would write down; JetPack's TensorRT may have no package metadata."""
    if backend.startswith("tensorrt"):
        return installed_version(backend)
    return backend_version(backend)


def sweep(folder: Path) -> None:
    """Remove what builds of this bundle left that were killed more than an hour ago."""
    for left in folder.absolute().parent.glob(f".{folder.name}.*.tmp"):
        if left.is_dir() and time.time() - left.stat().st_mtime > _HOUR_S:
            shutil.rmtree(left, ignore_errors=True)


def finish(
    folder: Path, parts: Parts, built: Built, record: PrecisionRecord, golden: Golden
) -> None:
    """Load the engine if it runs here, test it, and write what the bundle says of itself.

    Raises:
        GateFailed: the engine's outputs are further from the graph's than its precision explains.
    """
    recipe = parts.recipe
    manifest = Manifest(
        edgecv=__version__,
        run_id=parts.run_id,
        task=recipe.task,
        recipe_digest=recipe.digest("build"),
        model_digest=parts.model_digest,
        origin=parts.origin,
        input=recipe.input,
        head=recipe.head,
        data=recipe.data,
        build=recipe.build,
        evaluate=recipe.evaluate,
        run=recipe.run,
        bench=recipe.bench,
        report=recipe.report,
        batch=recipe.export.batches,
        inputs=tensors(golden.inputs, recipe.export.batches),
        outputs=tensors(golden.expected, recipe.export.batches),
        precision=record,
        backend=recipe.build.backend,
        backend_version=built.version,
        targets=built.targets,
        engine=built.engine,
        tolerance=1.0,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        files={},
    )
    complete(folder, manifest, built, golden, recipe.build.tolerance)


def complete(
    folder: Path, manifest: Manifest, built: Built, golden: Golden, tolerance: float | None
) -> None:
    """Test the engine on the golden sample where it runs, then write golden, layers and manifest.

    Args:
        folder: The bundle in the making; holds graphs and engine.
        manifest: All that is known before the engine ran.
        built: What the builder said.
        golden: Input and expected outputs; the engine's own are added.
        tolerance: The self-test's limit; None: from what is measured.

    Raises:
        GateFailed: the engine is further from the graph than allowed.
    """
    asked = manifest.precision.asked
    engine = _loaded(Bundle(folder, manifest))
    layers, own, seen = built.layers, {}, 0.0
    if engine is not None:
        own = engine.execute(golden.inputs)
        found = differences(own, golden.expected)
        seen = max(found.values())
        _require_close(found, tolerance or LIMIT[asked])
        layers = layers or engine.layers()
        engine.close()
    counts = engines.count_precisions(layers)
    record = manifest.precision.model_copy(update={"achieved": counts})
    sealed = manifest.model_copy(
        update={
            "kernels": add_kernels(folder, manifest),
            "precision": record,
            "tolerance": tolerance or min(LIMIT[asked], max(FLOOR[asked], _SLACK * seen)),
            "host": {**machine(manifest.backend), **dict(built.host)},
        }
    )
    write_golden(folder / GOLDEN, Golden(golden.inputs, golden.expected, own))
    write_json(folder / "layers.json", [layer.model_dump(mode="json") for layer in layers])
    seal(folder, sealed)
    for line in (*built.log, *_summary(sealed, engine is not None, seen)):
        note(line)


def _loaded(bundle: Bundle) -> Engine | None:
    """The engine, if this machine can execute it."""
    try:
        return engines.open_engine(bundle)
    except MachineError as err:
        note(f"the engine was not run here: {err.what}")
        return None


def _require_close(found: dict[str, float], limit: float) -> None:
    worst = max(found, key=lambda name: found[name])
    if found[worst] > limit:
        raise GateFailed(
            "the engine does not compute what the typed graph says; no bundle was written",
            output=worst,
            largest_relative_difference=f"{found[worst]:.3g}",
            limit=f"{limit:.3g}",
            fix="another backend, a higher precision, or --set build.tolerance=… if that is meant",
        )


def tensors(arrays: dict[str, engines.Array], batch: tuple[int, int, int]) -> tuple[Tensor, ...]:
    """Contracts of named arrays; the first dimension is dynamic if the batch is."""
    dynamic = batch[0] != batch[2]
    return tuple(
        Tensor(
            name=name,
            shape=(-1, *array.shape[1:]) if dynamic and array.shape else array.shape,
            dtype=array.dtype.name,
        )
        for name, array in arrays.items()
    )


def _summary(manifest: Manifest, ran: bool, seen: float) -> list[str]:
    record = manifest.precision
    achieved = ", ".join(f"{count} {name}" for name, count in record.achieved.items())
    lines = [f"asked {record.asked}; layers run in: {achieved or 'not readable on this machine'}"]
    if record.kept:
        lines.append(f"kept out of int8: {len(record.kept)} (manifest.json says which, and why)")
    if ran:
        lines.append(f"self-test passed: {seen:.2g} from the graph, limit {manifest.tolerance:.2g}")
    if manifest.kernels:
        lines.append(f"kernels for {', '.join(manifest.kernels)} are inside")
    lines.append(f"runs on: {where_it_runs(manifest)}")
    return lines


def describe(folder: Path) -> dict[str, object]:
    """What `edgecv build --json` prints of a bundle."""
    manifest = open_bundle(folder, check_digests=False).manifest
    return {
        "bundle": str(folder),
        "backend": manifest.backend,
        "backend_version": manifest.backend_version,
        "precision": manifest.precision.model_dump(mode="json"),
        "targets": list(manifest.targets),
        "tolerance": manifest.tolerance,
        "runs_on": where_it_runs(manifest),
    }
