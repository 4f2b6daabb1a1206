"""NVRTC, NVIDIA's run-time compiler, by ctypes: CUDA C in memory becomes a cubin.

It needs no GPU, no driver and no headers. It is found in a CUDA toolkit, in JetPack, or in the
nvidia-cuda-nvrtc wheels (extra `cuda`); of those the first is taken that the driver can follow
(a cubin of CUDA 13 does not load under a driver of CUDA 12) and that knows the device.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from edgecv.errors import EdgecvError, MachineError

VARIABLE = "EDGECV_NVRTC"  # path of a libnvrtc to use before all others
FLAGS = ("-std=c++17", "-fmad=false", "-lineinfo")
_LIBRARY = "libnvrtc.so"
_NAMES = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so")
_TOOLKITS = ("lib64", "lib", "targets/aarch64-linux/lib", "targets/sbsa-linux/lib")
_SYSTEM = ("/usr/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu")


class CompileFailed(EdgecvError, RuntimeError):
    """A kernel file does not compile: a bug in edgecv, or an NVRTC older than it needs."""


class Nvrtc:
    """One loaded libnvrtc.

    Attributes:
        path: The library's file, or the name the linker found it by.
        version: (major, minor) of its CUDA.
    """

    def __init__(self, path: Path | str) -> None:
        """Load it; its builtins first, which some versions cannot find by themselves.

        Raises:
            OSError: it does not load.
        """
        folder = Path(path).parent
        major = re.search(r"\.so\.(\d+)", Path(path).name)
        pattern = f"libnvrtc-builtins.so.{major.group(1) if major else ''}*"
        for builtins in sorted(folder.glob(pattern)) if folder.name else []:
            ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
        self.path = path
        self._library: Any = ctypes.CDLL(str(path))
        self._library.nvrtcGetErrorString.restype = ctypes.c_char_p
        numbers = ctypes.c_int(), ctypes.c_int()
        self._library.nvrtcVersion(ctypes.byref(numbers[0]), ctypes.byref(numbers[1]))
        self.version = (numbers[0].value, numbers[1].value)

    def capabilities(self) -> tuple[str, ...]:
        """The devices it compiles for: `sm75`, …; empty where it is too old to say (11.1)."""
        if not hasattr(self._library, "nvrtcGetSupportedArchs"):
            return ()
        count = ctypes.c_int()
        self._library.nvrtcGetNumSupportedArchs(ctypes.byref(count))
        numbers = (ctypes.c_int * count.value)()
        self._library.nvrtcGetSupportedArchs(numbers)
        return tuple(f"sm{number}" for number in numbers)

    def compile(
        self, source: str, name: str, headers: Mapping[str, str], options: tuple[str, ...]
    ) -> bytes:
        """Compile `source` to a cubin.

        Args:
            source: CUDA C.
            name: File name for messages.
            headers: Text of each header by the name it is included by.
            options: NVRTC's options; `--gpu-architecture=sm_87` makes it a cubin.

        Raises:
            CompileFailed: with NVRTC's log.
        """
        program = ctypes.c_void_p()
        texts = _strings(headers.values())
        names = _strings(headers.keys())
        self._check(
            self._library.nvrtcCreateProgram(
                ctypes.byref(program), source.encode(), name.encode(), len(headers), texts, names
            )
        )
        try:
            failed = self._library.nvrtcCompileProgram(program, len(options), _strings(options))
            if failed:
                raise CompileFailed(
                    f"{name} does not compile",
                    options=" ".join(options),
                    nvrtc=".".join(map(str, self.version)),
                    reason=self._library.nvrtcGetErrorString(failed).decode(),
                    log="\n" + self._text(program, "ProgramLog").decode(errors="replace").strip(),
                )
            return self._text(program, "CUBIN")
        finally:
            self._library.nvrtcDestroyProgram(ctypes.byref(program))

    def _text(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._check(getattr(self._library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self._check(getattr(self._library, f"nvrtcGet{what}")(program, buffer))
        return buffer.raw if what == "CUBIN" else buffer.value

    def _check(self, code: int) -> None:
        if code:
            reason = self._library.nvrtcGetErrorString(code).decode()
            raise CompileFailed("NVRTC failed", library=self.path, reason=reason)


def find_nvrtc(capability: str = "", newest_major: int = 0) -> Nvrtc:
    """The first NVRTC of this machine that can compile for a device.

    Args:
        capability: The device, `sm87`; empty: any.
        newest_major: The CUDA major version the driver speaks; 0: no driver, any will do.

    Raises:
        MachineError: there is none, or none that fits.
    """
    found = []
    for nvrtc in installed():
        found.append(f"{nvrtc.version[0]}.{nvrtc.version[1]} ({nvrtc.path})")
        known = nvrtc.capabilities()
        too_new = newest_major and nvrtc.version[0] > newest_major
        if not too_new and (not capability or not known or capability in known):
            return nvrtc
    needed = f" for {capability}" if capability else ""
    under = f" under a driver of CUDA {newest_major}" if newest_major else ""
    raise MachineError(
        f"compiling CUDA kernels{needed}{under} needs NVRTC, and none that fits is installed",
        found="; ".join(found) or "none",
        fix=f"pip install nvidia-cuda-nvrtc{'-cu12' if newest_major == 12 else ''} (on Jetson: "
        f"apt install cuda-nvrtc-* of the JetPack), or {VARIABLE}=/path/to/libnvrtc.so; a bundle "
        "with stored cubins needs none",
    )


@cache
def installed() -> tuple[Nvrtc, ...]:
    """Every NVRTC of this machine that loads: the variable's, toolkits', JetPack's, wheels'."""
    loaded: dict[tuple[int, int], Nvrtc] = {}
    for path in _places():
        try:
            nvrtc = Nvrtc(path)
        except (OSError, AttributeError):
            continue
        loaded.setdefault(nvrtc.version, nvrtc)
    return tuple(loaded.values())


def _places() -> Iterator[Path | str]:
    if named := os.environ.get(VARIABLE):
        yield Path(named)
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    toolkits = [Path(home) for home in homes if home]
    toolkits += sorted(Path("/usr/local").glob("cuda-*"), reverse=True)
    folders = [toolkit / below for toolkit in toolkits for below in _TOOLKITS]
    for folder in [*folders, *map(Path, _SYSTEM), *_wheels()]:
        yield from sorted(
            (f for f in folder.glob(f"{_LIBRARY}.*") if re.search(r"\.so\.\d+(\.2)?$", f.name)),
            reverse=True,
        )
    yield from _NAMES


def _wheels() -> Iterator[Path]:
    """Folders of the nvidia-cuda-nvrtc wheels: nvidia/cu13/lib, nvidia/cuda_nvrtc/lib."""
    spec = importlib.util.find_spec("nvidia")
    for root in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(root).glob("cu[0-9]*/lib"), reverse=True)
        yield Path(root) / "cuda_nvrtc" / "lib"


def _strings(texts: Any) -> Any:
    encoded = [text.encode() for text in texts]
    return (ctypes.c_char_p * len(encoded))(*encoded)
