"""Where training runs, and in which precision."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch

from edgecv.errors import MachineError, UsageError

DEVICES = ("auto", "cpu", "cuda")
_FABRIC = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


class Hardware(NamedTuple):
    """A device and a precision it has."""

    device: str
    precision: str

    @property
    def fabric_precision(self) -> str:
        """Lightning Fabric's name of the precision."""
        return _FABRIC[self.precision]


def choose_hardware(device: str, precision: str) -> Hardware:
    """Settle `auto`: a GPU if there is one; bf16 where it is computed in hardware, else fp32.

    Args:
        device: `auto`, `cpu` or `cuda`.
        precision: `auto`, `fp32`, `bf16` or `fp16`.

    Raises:
        UsageError: no such device.
        MachineError: this machine has no CUDA device, or not the precision.
    """
    if device not in DEVICES:
        raise UsageError(f"--device {device!r} is not one of {', '.join(DEVICES)}")
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise MachineError("no CUDA device that torch can use", fix="--device cpu")
    chosen = "cuda" if cuda and device != "cpu" else "cpu"
    if precision == "auto":
        return Hardware(chosen, "bf16" if has_bf16(chosen) else "fp32")
    if precision == "fp16" and chosen == "cpu":
        raise MachineError("training in fp16 needs a CUDA device", fix="--set train.precision=auto")
    return Hardware(chosen, precision)


def has_bf16(device: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether bfloat16 products are computed in hardware faster than float32 ones.

    On a CPU that means AMX tiles (Sapphire Rapids and later). AVX512-BF16 alone is left at fp32:
    it was not measured here.
    """
    if device == "cuda":
        return torch.cuda.get_device_capability()[0] >= 8  # Ampere and later
    try:
        return "amx_bf16" in cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
