"""The arithmetic of one mean-field step in numpy: the form every twin equals to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.ops._mean_field import LANES

Array = npt.NDArray[Any]

# exp(r) for |r| <= ln 2 / 2: the Cephes polynomial for float32, highest power first
LOG2_E = np.float32(1.44269504)
LN_2_HIGH, LN_2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
POLYNOMIAL = tuple(
    np.float32(c)
    for c in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
)
LOWEST = np.float32(-88.0)  # exp of what is not above it is 0
FAR = np.float32(1e30)  # logits are cut to +-FAR: differences stay finite


def exponential(x: Array) -> Array:
    """exp(x) for x <= 0 in float32, the same bits on every machine; 0 from -88 down.

    Source: Cephes, expf (range reduction by ln 2 in two parts, a polynomial of degree 6).
    """
    x = np.maximum(x, LOWEST)
    power = np.rint(x * LOG2_E)
    r = (x - power * LN_2_HIGH) - power * LN_2_LOW
    p = np.full_like(r, POLYNOMIAL[0])
    for c in POLYNOMIAL[1:]:
        p = p * r + c
    p = (p * (r * r) + r) + np.float32(1)
    exact: Array = p * ((power.astype(np.int32) + 127) << 23).view(np.float32)
    return exact


def softmax(x: Array) -> Array:
    """Softmax over the last axis, whose length is a multiple of LANES; the order is the op's."""
    value = exponential(x - x.max(-1, keepdims=True))
    lanes = value[..., :LANES].copy()
    for start in range(LANES, x.shape[-1], LANES):
        lanes += value[..., start : start + LANES]
    four = lanes[..., :4] + lanes[..., 4:]
    two = four[..., :2] + four[..., 2:]
    total = two[..., :1] + two[..., 1:]
    share: Array = value * (np.float32(1) / total)
    return share


def pack(logits: Array, width: int) -> Array:
    """(L, H, W) logits as (H * W, width) rows, their maximum 0, the padding far below."""
    flat = logits.reshape(len(logits), -1)
    flat = np.clip(np.where(np.isnan(flat), -FAR, flat), -FAR, FAR)
    rows = np.full((flat.shape[1], width), -FAR, np.float32)
    rows[:, : len(flat)] = (flat - flat.max(0)).T
    return rows
