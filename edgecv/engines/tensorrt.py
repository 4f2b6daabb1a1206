"""TensorRT 8.5 to 11 (and tensorrt_lean to load): one module, everything asked by name.

Not run on a GPU: tested against fakes that have each version's names and no others.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from edgecv.bundle import Layer, Manifest
from edgecv.cuda.driver import devices, free_bytes
from edgecv.engines.choose import cache_folder
from edgecv.engines.contract import Built, require_file
from edgecv.engines.trt_job import Job
from edgecv.engines.trt_match import VERSION_COMPATIBLE, installed_version, mismatch
from edgecv.engines.trt_process import build_in_child
from edgecv.engines.trt_run import load_plan
from edgecv.errors import MachineError, UsageError
from edgecv.recipe import Build

FLAVOUR = "tensorrt"
ENGINE_FILE = "engine.plan"

load_engine = partial(load_plan, FLAVOUR)
_SHARE = 0.5  # of the memory that is free
_POWER_MODE = Path("/var/lib/nvpmodel/status")  # "pmode:0002 fmode:fanNull"


def build_engine(
    model: Path,
    folder: Path,
    options: Build,
    batch: tuple[int, int, int],
    *,
    source: Path | None = None,
) -> Built:
    """Build for the GPU of this machine, in a child process.

    Raises:
        MachineError: no GPU, no TensorRT, or this version lacks what the options ask.
        UsageError: a DLA is asked for what it does not compute.
        MissingPackage, FileError, UnsupportedModel: see `engines.build_engine`.
    """
    require_file(model, "ONNX file")
    _check_dla(options, batch)
    here = devices()
    if not here:
        raise MachineError(
            "TensorRT builds on the GPU that will run the engine, and no CUDA device is here",
            fix="copy the bundle to the device and run there: edgecv build BUNDLE "
            "--backend tensorrt; for RTX cards, here: --backend tensorrt-rtx",
        )
    version, device = installed_version(FLAVOUR), here[0]
    mode = power_mode()
    parts = ["timing", version, device.capability, device.name, *([mode] if mode else [])]
    name = f"{'-'.join(parts)}.cache".replace(" ", "_")
    job = Job(
        flavour=FLAVOUR,
        model=str(model.resolve()),
        source=str(source.resolve()) if source else "",
        plan=str((folder / ENGINE_FILE).resolve()),
        options=options.model_dump(mode="json"),
        batch=batch,
        timing_cache=options.timing_cache or str(cache_folder() / name.replace("/", "_")),
        workspace_bytes=(options.workspace_mib << 20) or workspace_bytes(device.integrated),
    )
    built = build_in_child(job)
    layers = tuple(Layer(**layer) for layer in built["layers"])
    targets = (_target(options, device.capability),)
    host = {"gpu": device.name, "typing": str(built["typing"])}
    if mode:
        host["power_mode"] = mode
    if options.version_compatible:
        host[VERSION_COMPATIBLE] = "yes"
    facts, log = tuple(host.items()), tuple(built["log"])
    return Built(ENGINE_FILE, version, layers, targets, facts, log)


def require_match(manifest: Manifest) -> dict[str, object]:
    """Facts that keep the engine from loading here; empty if there are none."""
    return mismatch(manifest, exact=VERSION_COMPATIBLE not in manifest.host)


def power_mode(status: Path = _POWER_MODE) -> str:
    """A Jetson's power mode, `pmode0002`; empty elsewhere.

    It gates cores and clocks: the kernels that are fastest in one mode need not be in another.
    """
    try:
        words = status.read_text(encoding="utf-8").split()
    except OSError:
        return ""
    found = next((word for word in words if word.startswith("pmode:")), "")
    return found.replace(":", "")


def workspace_bytes(integrated: bool) -> int:
    """Half of the memory that is free, 0 where that cannot be read.

    Args:
        integrated: The GPU shares the system's memory: then what Linux can still give counts, of
            which the driver sees only the part no cache holds.
    """
    if not integrated:
        return int(free_bytes() * _SHARE)
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    found = next((line for line in lines if line.startswith("MemAvailable:")), "")
    kib = found.split()[1] if found else "0"
    return int(int(kib) * 1024 * _SHARE)


def _check_dla(options: Build, batch: tuple[int, int, int]) -> None:
    """Refuse what would run on the GPU from end to end, and say nothing of it."""
    if options.dla_core < 0:
        return
    if options.precision in ("fp32", "tf32"):
        raise UsageError("a DLA computes in fp16 and int8 only", fix="--precision fp16")
    if batch[0] != batch[2]:
        raise UsageError("a DLA runs one batch size", batch=batch, fix="build for one batch size")


def _target(options: Build, capability: str) -> str:
    if options.hardware_compatibility == "ampere_plus":
        return "sm80+"
    return capability
