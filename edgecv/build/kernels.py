"""The kernels a bundle carries, so that a device needs no compiler.

One cubin per .cu file and compute capability: letterbox, and what decodes the bundle's head. A
device takes one made for exactly its capability by a CUDA major version its driver knows; for what
is missing it compiles with its own NVRTC.
"""

from __future__ import annotations

from pathlib import Path

from edgecv.bundle import KERNELS, Manifest
from edgecv.cuda.cubins import precompile
from edgecv.errors import EdgecvError
from edgecv.progress import note
from edgecv.runtime.device.decoders import kernel_sources

FLAVOURS = ("tensorrt", "tensorrt-rtx")
_KNOWN = (80, 86, 87, 89, 90, 110, 120)  # what an engine "for sm80 and newer" may meet


def add_kernels(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """Compile the kernels of a bundle in the making into its `kernels` folder.

    Args:
        folder: The bundle in the making.
        manifest: Its manifest so far: backend, targets, head.

    Returns:
        The compute capabilities it now carries kernels for; none for CPU backends, or where this
        machine has no NVRTC: that is said, and is no error.
    """
    if manifest.backend not in FLAVOURS:
        return ()
    done: list[str] = []
    missing: dict[str, str] = {}
    for capability in _capabilities(manifest.targets):
        try:
            precompile(kernel_sources(manifest.head), [capability], folder / KERNELS)
        except EdgecvError as err:
            missing[capability] = err.what
        else:
            done.append(capability)
    if missing:
        why = next(iter(missing.values()))
        note(f"no kernels for {', '.join(missing)}, the device compiles its own: {why}")
    return tuple(done)


def _capabilities(targets: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for target in targets:
        if target.endswith("+"):
            least = int(target[2:-1])
            found += [f"sm{number}" for number in _KNOWN if number >= least]
        else:
            found.append(target)
    return tuple(dict.fromkeys(found))
