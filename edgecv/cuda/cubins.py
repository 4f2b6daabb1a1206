"""From a .cu file to a cubin: stored in the bundle, else in the user's cache, else compiled.

A cubin of a bundle is found by what it was made of (source, headers, options, definitions), by the
device's exact compute capability and by CUDA's major version, so that one folder serves several
devices. The cache's key adds NVRTC's version.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgecv.cuda.nvrtc import FLAGS, Nvrtc, find_nvrtc, installed
from edgecv.errors import EdgecvError, FileError, MachineError
from edgecv.files import whole_file

INCLUDE = Path(__file__).parent / "include"
PACKAGE = Path(__file__).resolve().parents[1]
ORIGIN = "edgecv-origin:"  # what a cubin says of itself: file and definitions, as JSON
_SEAL = b"\nsha256:"

Defines = Mapping[str, int | float | str]


@dataclass(frozen=True)
class Unit:
    """What is compiled together: a .cu file, the headers it includes, its definitions.

    Attributes:
        path: The .cu file.
        text: Its text, with its origin written at the end.
        headers: Text by include name of those it includes: `edgecv/half.cuh`, or beside it.
        defines: Macros.
    """

    path: Path
    text: str
    headers: Mapping[str, str]
    defines: Defines = field(default_factory=dict)

    @property
    def options(self) -> tuple[str, ...]:
        """NVRTC's options without the architecture."""
        given = (f"-D{name}={_literal(value)}" for name, value in sorted(self.defines.items()))
        return (*FLAGS, *given)

    def digest(self, *more: str) -> str:
        """Of everything that shapes the machine code, and of `more`."""
        parts = [self.text, sorted(self.headers.items()), self.options, more]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]

    def stored_name(self, capability: str, cuda_major: int) -> str:
        """File name in a bundle."""
        return f"{self.path.stem}-{self.digest()}-{capability}-cuda{cuda_major}.cubin"

    def compile(self, nvrtc: Nvrtc, capability: str) -> bytes:
        """The cubin for one device.

        Raises:
            CompileFailed: with NVRTC's log.
        """
        architecture = f"--gpu-architecture=sm_{capability.removeprefix('sm')}"
        options = (architecture, *self.options)
        return nvrtc.compile(self.text, self.path.name, self.headers, options)


def read_unit(source: Path, defines: Defines | None = None) -> Unit:
    """Read a .cu file and the headers it includes.

    Raises:
        FileError: there is no such file.
    """
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as err:
        raise FileError("a kernel file is missing", file=source, reason=err.strerror) from err
    defines = dict(defines or {})
    return Unit(source, text + _origin(source, defines), _headers(source, text), defines)


def origin_of(cubin: bytes) -> tuple[str, dict[str, int | float | str]] | None:
    """The file (below the package, or its bare name) and definitions a cubin was made from."""
    found = re.search(rb"edgecv-origin:(\{.*?\})\0", cubin)
    if found is None:
        return None
    facts = json.loads(found.group(1))
    return facts["file"], facts["defines"]


class Cubins:
    """Where the kernels of one device come from.

    Attributes:
        capability: The device, `sm87`.
    """

    def __init__(
        self, capability: str, cuda_major: int, *, stored: Path | None = None, cache: Path | None
    ) -> None:
        """Nothing is read yet.

        Args:
            capability: The device, `sm87`.
            cuda_major: CUDA's major version as the driver speaks it.
            stored: A bundle's folder of cubins.
            cache: The user's cache; None: not used.
        """
        self.capability = capability
        self._major, self._stored, self._cache = cuda_major, stored, cache

    def find(self, unit: Unit) -> bytes:
        """The cubin of a unit for this device.

        Raises:
            CompileFailed: the source is wrong, or NVRTC too old for it.
            MachineError: it is stored nowhere, and there is no NVRTC.
        """
        return self._from_bundle(unit) or self._compiled(unit)

    def compiled_again(self, unit: Unit) -> bytes:
        """The cubin, compiled whatever is stored: for one the driver refused."""
        return unit.compile(self._compiler(unit), self.capability)

    def _from_bundle(self, unit: Unit) -> bytes | None:
        if self._stored is None:
            return None
        for major in range(self._major, 10, -1):
            cubin = read_cubin(self._stored / unit.stored_name(self.capability, major))
            if cubin is not None:
                return cubin
        return None

    def _compiled(self, unit: Unit) -> bytes:
        nvrtc = self._compiler(unit)
        version = ".".join(map(str, nvrtc.version))
        digest = unit.digest(version, self.capability, str(self._major))
        entry = self._cache / f"{unit.path.stem}-{digest}.cubin" if self._cache else None
        cubin = read_cubin(entry) if entry else None
        if cubin is None:
            cubin = unit.compile(nvrtc, self.capability)
            if entry:
                with suppress(EdgecvError):  # a cache that cannot be written is no cache
                    write_cubin(entry, cubin)
        return cubin

    def _compiler(self, unit: Unit) -> Nvrtc:
        try:
            return find_nvrtc(self.capability, self._major)
        except MachineError as err:
            if self._stored is None:
                raise
            raise MachineError(
                f"the bundle has no kernels of {unit.path.name} for {self.capability} as this "
                "edgecv has them, and they cannot be compiled here",
                bundle=self._stored,
                compiler=err.what,
                fix=f"build the bundle again with this edgecv where NVRTC is; or {err.fix}",
            ) from err


def precompile(
    sources: Iterable[Path | tuple[Path, Defines]], capabilities: Iterable[str], folder: Path
) -> tuple[Path, ...]:
    """Compile kernels for devices that may have no compiler; no GPU is needed here.

    Once for each CUDA major version that has an NVRTC here (nvidia-cuda-nvrtc is 13,
    nvidia-cuda-nvrtc-cu12 is what JetPack 6 needs): drivers load no cubin of a newer one.

    Args:
        sources: The .cu files, each alone or with its definitions.
        capabilities: The devices: `sm87`, ….
        folder: Where the cubins go; `Session(cubins=folder)` finds them there.

    Returns:
        The files written.

    Raises:
        CompileFailed: a source does not compile.
        MachineError: no NVRTC here compiles for one of the devices.
    """
    written = []
    pairs = [(one, {}) if isinstance(one, Path) else one for one in sources]
    units = [read_unit(path, defines) for path, defines in pairs]
    for capability in capabilities:
        for nvrtc in _one_a_major(capability):
            for unit in units:
                path = folder / unit.stored_name(capability, nvrtc.version[0])
                write_cubin(path, unit.compile(nvrtc, capability))
                written.append(path)
    return tuple(written)


def _one_a_major(capability: str) -> tuple[Nvrtc, ...]:
    """An NVRTC of each CUDA major version: a driver of CUDA 12 (JetPack 6) loads none of 13."""
    first = find_nvrtc(capability)
    found = {first.version[0]: first}
    for other in installed():
        if capability in other.capabilities():
            found.setdefault(other.version[0], other)
    return tuple(found.values())


def cache_folder() -> Path | None:
    """The user's cache of cubins: XDG_CACHE_HOME/edgecv/kernels, else below ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(root) if root else Path.home() / ".cache") / "edgecv" / "kernels"
    except RuntimeError:  # no home
        return None


def write_cubin(path: Path, cubin: bytes) -> None:
    """Write a cubin with its digest at the end (a driver ignores it), whole or not at all.

    Raises:
        IoFailed: the folder cannot be written.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(cubin + _SEAL + hashlib.sha256(cubin).hexdigest().encode())


def read_cubin(path: Path) -> bytes | None:
    """A stored cubin; None where there is none, or what is there is not what was written."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    cubin, seal, digest = data.rpartition(_SEAL)
    whole = seal and hashlib.sha256(cubin).hexdigest().encode() == digest
    return cubin if whole else None


def _headers(source: Path, text: str) -> dict[str, str]:
    """Text of every header that is included, also by headers; what is not found NVRTC reports."""
    found: dict[str, str] = {}
    waiting = [text]
    while waiting:
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', waiting.pop(), re.MULTILINE):
            places = [folder / name for folder in (INCLUDE, source.parent)]
            path = next((place for place in places if place.is_file()), None)
            if path is not None and name not in found:
                found[name] = path.read_text(encoding="utf-8")
                waiting.append(found[name])
    return found


def _origin(source: Path, defines: Defines) -> str:
    """A constant that makes every cubin name its source; no path of this machine is in it."""
    path = source.resolve()
    name = path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name
    facts = json.dumps({"file": name, "defines": dict(sorted(defines.items()))})
    return f'\nextern "C" __constant__ const char edgecv_origin[] = {json.dumps(ORIGIN + facts)};\n'


def _literal(value: int | float | str) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value!r}f" if isinstance(value, float) else str(value)
