"""Builds .cu files with g++ and runs their kernels on the CPU, one fiber a CUDA thread.

The header beside this file gives CUDA C its meaning. Libraries are kept in a folder of this user's
temporary files by what they were made of, so that a second run of the tests builds nothing.
"""

import ctypes
import getpass
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import RLock

from edgecv.cuda.cubins import INCLUDE

HERE = Path(__file__).resolve().parent
DYNAMIC_SHARED = 1 << 17  # bytes of dynamic shared memory a launch may have
FLAGS = (
    "-std=gnu++17 -O2 -g1 -fPIC -shared -fno-extern-tls-init -fno-gnu-unique -fno-strict-aliasing "
    "-ffp-contract=off -fvisibility=hidden -pthread -Wall -Wno-unknown-pragmas "
    "-Wno-unused-function -Wno-sign-compare -Wno-unused-variable"
).split()
KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+'
    r"(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\("
)
_DYNAMIC = re.compile(r"extern\s+__shared__\s+(?:__align__\s*\(\d+\)\s*)?[\w\s:]+?(\w+)\s*\[\s*\]")
_BOUNDS = re.compile(r"__launch_bounds__\s*\((\w+)\)\s*(?:void\s+)?(\w+)\s*\(")
_ONE_AT_A_TIME = RLock()  # a library's state is its own process-wide state


class KernelError(Exception):
    """A kernel did what a GPU would not forgive; the text says which thread, and which line."""


def missing_compiler() -> str:
    """Why kernels cannot be emulated here; empty if they can."""
    return "" if shutil.which("g++") else "the CUDA emulator needs g++, which is not installed"


def cache_folder() -> Path:
    """Libraries of this user on this machine; never in the repository."""
    return Path(tempfile.gettempdir()) / f"edgecv-emulator-{getpass.getuser()}"


def kernel_names(source: Path) -> list[str]:
    """The kernels a .cu file (with what it includes from beside it) defines."""
    return KERNEL.findall(_without_comments(_flattened(source)))


def launch_bounds(source: Path) -> dict[str, int]:
    """The most threads a block of a kernel may have, for those with `__launch_bounds__`."""
    text = _without_comments(_flattened(source))
    numbers = dict(re.findall(r"\b(\w+)\s*=\s*(\d+)\s*[,;]", text))
    return {name: int(numbers.get(most, most)) for most, name in _BOUNDS.findall(text)}


@cache
def _flattened(source: Path) -> str:
    """The text of a source and of every project header it includes, each once."""
    seen, parts = set(), []

    def take(path):
        if path in seen:
            return
        seen.add(path)
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M):
            found = [f for f in (path.parent / name, INCLUDE / name) if f.is_file()]
            for header in found[:1]:
                take(header.resolve())
        parts.append(text)

    take(source.resolve())
    return "\n".join(parts)


def _without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)


def build(source: Path, defines: Mapping[str, str] | None = None, *, flags=()) -> "Module":
    """Compile a .cu file, or take the library of an earlier build of the same text.

    Args:
        source: The file.
        defines: Macros, as text.
        flags: More options of g++ (`-fsanitize=address`).
    """
    given = tuple(f"-D{name}={value}" for name, value in sorted((defines or {}).items()))
    more = os.environ.get("EDGECV_EMULATOR_FLAGS", "").split()
    return _build(source.resolve(), given, (*flags, *more), _stamp(source))


def _stamp(source: Path) -> str:
    """Changes when any file of the build does, so that an edited kernel is read again."""
    _flattened.cache_clear()
    texts = [_flattened(source), *(p.read_text() for p in sorted(HERE.glob("*.h")))]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


@cache
def _build(source: Path, defines, flags, stamp: str) -> "Module":
    options = (*FLAGS, *flags, *defines, str(DYNAMIC_SHARED))
    key = hashlib.sha256("\0".join((stamp, *options)).encode()).hexdigest()[:16]
    library = cache_folder() / f"{source.stem}-{key}.so"
    text = _without_comments(_flattened(source))
    if not library.exists():
        _compile(source, text, (*FLAGS, *flags, *defines), library)
    return Module(library, source.name)


def _compile(source: Path, text: str, options, library: Path) -> None:
    library.parent.mkdir(parents=True, exist_ok=True)
    _forget_old(library.parent)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        main, shared, made = (Path(folder) / n for n in ("main.cpp", "shared.cpp", "made.so"))
        names = KERNEL.findall(text)
        main.write_text(
            f'#include "{HERE}/emulator.h"\n#include "{source}"\n'
            + "".join(f"EMULATED_KERNEL({name})\n" for name in names)
        )
        shared.write_text(_dynamic_shared(sorted(set(_DYNAMIC.findall(text)))))
        places = [f"-I{INCLUDE}", f"-I{source.parent}"]
        done = subprocess.run(
            ["g++", *options, *places, str(main), str(shared), "-o", str(made)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "LC_ALL": "C"},
        )
        if done.returncode:
            raise KernelError(f"{source.name} does not compile for the CPU:\n{done.stderr[-6000:]}")
        os.replace(made, library)


def _forget_old(folder: Path) -> None:
    """Delete libraries nobody loaded for a fortnight."""
    for old in folder.glob("*.so"):
        with suppress(OSError):
            if time.time() - old.stat().st_atime > 14 * 86400:
                old.unlink()


def _dynamic_shared(names) -> str:
    """A second translation unit: the memory of every `extern __shared__` array."""
    arrays = "".join(
        f"alignas(256) thread_local unsigned char {name}[{DYNAMIC_SHARED + 4096}];\n"
        for name in names
    )
    fills = "".join(f"o[{at}] = {name}; " for at, name in enumerate(names))
    return (
        f"#include <cstddef>\n{arrays}"
        'extern "C" __attribute__((visibility("hidden"))) '
        "int emulator_dynamic(unsigned char** o, size_t* c) "
        f"{{ *c = {DYNAMIC_SHARED}; {fills}return {len(names)}; }}\n"
    )


class Module:
    """The kernels of one library."""

    def __init__(self, library: Path, name: str) -> None:
        self.name = name
        self._library = ctypes.CDLL(str(library))
        self._library.emulator_error.restype = ctypes.c_char_p

    def function(self, name: str) -> "Function":
        if not hasattr(self._library, f"{name}__launch"):
            raise KeyError(name)
        return Function(self._library, name)


class Function:
    """One kernel; `sizes` are the bytes of its arguments."""

    def __init__(self, library, name: str) -> None:
        self.name, self._library = name, library
        self._launch = getattr(library, f"{name}__launch")
        numbers = (ctypes.c_int * 64)()
        count = getattr(library, f"{name}__sizes")(numbers)
        self.sizes = list(numbers[:count])

    def launch(self, grid, block, codes: str, values, *, shared=0, order=0, threads=1) -> None:
        """Run every block; `codes` are struct's letters of `values`, as pycuda packs them."""
        packed = [struct.pack(code, value) for code, value in zip(codes, values, strict=True)]
        got = [len(data) for data in packed]
        if got != self.sizes:
            raise KernelError(f"{self.name} takes arguments of {self.sizes} bytes, got {got}")
        kept = [ctypes.create_string_buffer(data, len(data)) for data in packed]
        pointers = (ctypes.c_void_p * max(1, len(kept)))(*map(ctypes.addressof, kept))
        sides = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])
        with _ONE_AT_A_TIME:
            failed = self._launch(
                sides, ctypes.c_size_t(shared), pointers, len(kept), order, threads
            )
            if failed:
                raise KernelError(f"{self.name}: {self._library.emulator_error().decode()}")
