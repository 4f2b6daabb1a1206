"""Mask R-CNN on the device: the same code as `two_stage`, with one more stage."""

from __future__ import annotations

from edgecv.runtime.cuda_heads.two_stage import PLACED, SOURCES, Decoder

__all__ = ["PLACED", "SOURCES", "Decoder"]
