"""The ranges as a TensorRT calibration cache: for implicit INT8 and DLA on TensorRT <= 10."""

from __future__ import annotations

import struct
from pathlib import Path

from edgecv.errors import UsageError
from edgecv.files import write_text
from edgecv.ranges import Ranges, load_ranges

_LEVELS = 127
_ALGORITHM = {"minmax": "MinMaxCalibration"}  # of the calibrator class that will read the text


def tensorrt_cache(ranges: Ranges, version: str) -> str:
    """The text of a calibration cache.

    A header `TRT-<version number>-<algorithm>`, then a line `tensor: scale` each, the scale
    amax / 127 as the eight hex digits of its float32, most significant byte first. It holds the
    tensors that convolutions and matrix products read; TensorRT runs what has no line in float.

    Args:
        ranges: The table.
        version: TensorRT that will read it, "major.minor.patch": it ignores another version's.

    Raises:
        UsageError: `version` is no TensorRT version that reads a cache (11 and later do not).
    """
    algorithm = _ALGORITHM.get(ranges.method, "EntropyCalibration2")
    lines = [f"TRT-{require_version(version)}-{algorithm}"]
    for name, value in ranges.tensors.items():
        scale = value.amax / _LEVELS if value.amax > 0 else 1.0
        lines.append(f"{name}: {struct.pack('>f', scale).hex()}")
    return "\n".join(lines) + "\n"


def write_tensorrt_cache(ranges: Ranges, path: Path, version: str) -> Path:
    """Write `tensorrt_cache` to `path`, whole or not at all; return `path`."""
    return write_text(path, tensorrt_cache(ranges, version))


def cache_beside(table: Path, version: str) -> Path:
    """Write `ranges.cache` beside a `ranges.json`; return its path."""
    return write_tensorrt_cache(load_ranges(table), table.with_suffix(".cache"), version)


def require_version(version: str) -> int:
    """The number in a cache's header.

    As NV_TENSORRT_VERSION counts: 8.6.1 is 8601, 10.3.0 is 100300.

    Raises:
        UsageError: no version, or one that reads no cache.
    """
    parts = version.split(".")[:3]
    if len(parts) < 3 or not all(part.isdigit() for part in parts):
        raise UsageError("a TensorRT version is major.minor.patch", got=version)
    major, minor, patch = map(int, parts)
    if major > 10:
        raise UsageError(
            "TensorRT 11 and later read no calibration cache",
            got=version,
            fix="edgecv build RECIPE --precision int8 (a Q/DQ graph)",
        )
    return major * (10000 if major == 10 else 1000) + minor * 100 + patch
