"""TensorRT-RTX compiles kernels when an engine first runs; what it compiled is kept on disk.

The cache is checked by TensorRT-RTX itself against version, GPU and driver when it is read back,
and refused if any differs. Other flavours have none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.engines.choose import cache_folder
from edgecv.errors import IoFailed
from edgecv.files import sha256_file, whole_file
from edgecv.progress import note

_DIGITS = 16  # of the plan's digest in the file's name


class RuntimeCache:
    """The runtime configuration of one engine, with its cache of compiled kernels if it has one.

    Attributes:
        config: The IRuntimeConfig contexts are made with, or None where this flavour has none.
    """

    def __init__(self, engine: Any, plan: Path, version: str, capability: str) -> None:
        """Make the configuration and read the cache; the CUDA context must be current.

        Args:
            engine: The ICudaEngine.
            plan: Its file.
            version: TensorRT-RTX's version.
            capability: The device's, `sm89`.
        """
        self.config, self._cache = None, None
        if not hasattr(engine, "create_runtime_config"):
            return
        config = engine.create_runtime_config()
        if not hasattr(config, "create_runtime_cache"):
            return  # full TensorRT 10.11+: nothing here needs its configuration
        self.config = config
        name = f"rtx-{version}-{capability}-{sha256_file(plan)[:_DIGITS]}.cache"
        self._path = cache_folder() / name
        self._cache = config.create_runtime_cache()
        self._before = self._path.read_bytes() if self._path.is_file() else b""
        if self._before and not self._cache.deserialize(self._before):
            note("TensorRT-RTX compiles its kernels again: its cache is of another machine state")
        config.set_runtime_cache(self._cache)

    def save(self) -> None:
        """Keep what was compiled for the next start; a disk that refuses is no error."""
        if self._cache is None:
            return
        compiled = bytes(memoryview(self._cache.serialize()))
        if not compiled or compiled == self._before:
            return
        try:
            with whole_file(self._path) as temporary:
                temporary.write_bytes(compiled)
        except IoFailed as err:
            note(f"TensorRT-RTX's kernel cache was not kept: {err.what}")
