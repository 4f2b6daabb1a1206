"""Does an engine fit this machine? Asked before it is deserialised: a plan runs code inside."""

from __future__ import annotations

import re

from edgecv.bundle import Manifest
from edgecv.cuda.driver import devices
from edgecv.engines.trt_api import import_tensorrt
from edgecv.engines.versions import backend_version
from edgecv.errors import EdgecvError

VERSION_COMPATIBLE = "version_compatible"  # key in the manifest's host facts


def mismatch(manifest: Manifest, *, exact: bool) -> dict[str, object]:
    """What differs between the engine and this machine, both sides named.

    Args:
        manifest: The bundle's.
        exact: Whether the version must be the same to the last number; else it may be newer.

    Returns:
        Facts for the error; empty if the engine fits, or if nothing here can tell (no package, no
        device: loading says that better).
    """
    facts: dict[str, object] = {}
    here = installed_version(manifest.backend)
    if here != "unknown" and not _version_fits(manifest.backend_version, here, exact):
        facts["built_with"] = f"{manifest.backend} {manifest.backend_version}"
        facts["installed_here"] = f"{manifest.backend} {here}"
    found = [device.capability for device in devices()]
    if found and manifest.targets and not any(_fits(found[0], t) for t in manifest.targets):
        facts["built_for"] = ", ".join(manifest.targets)
        facts["this_gpu"] = found[0]
    return facts


def installed_version(flavour: str) -> str:
    """Version of TensorRT here: its package's, else the module's; "unknown" without either.

    A Debian package (JetPack) may bring the module without pip's metadata.
    """
    found = backend_version(flavour)
    if found == "unknown":
        try:
            found = str(import_tensorrt(flavour, to_build=False).__version__)
        except EdgecvError:
            return "unknown"
    return found


def _version_fits(built: str, here: str, exact: bool) -> bool:
    return here == built if exact else _numbers(here) >= _numbers(built)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _fits(capability: str, target: str) -> bool:
    if target.endswith("+"):
        return int(capability[2:]) >= int(target[2:-1])
    return capability == target
