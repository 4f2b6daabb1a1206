"""The learning rate: a pure function of the step, so that resuming needs no state of it."""

from __future__ import annotations

import math

from edgecv.recipe import Train

ONECYCLE_START = 25.0  # peak / first rate; Smith and Topin, arXiv:1708.07120, and torch's default


def learning_rate(step: int, train: Train) -> float:
    """The rate of `step` in 0..steps-1.

    `cosine` rises linearly over the warm-up and falls to 0 along half a cosine (arXiv:1608.03983,
    one cycle). `onecycle` rises along half a cosine from a 25th of the peak, then falls likewise.
    """
    warm = round(train.warmup * train.steps)
    if step < warm:
        rise = (step + 1) / warm
        if train.schedule == "cosine":
            return train.lr * rise
        low = train.lr / ONECYCLE_START
        return low + (train.lr - low) * (1 - math.cos(math.pi * rise)) / 2
    fall = (step - warm) / max(1, train.steps - warm)
    return train.lr * (1 + math.cos(math.pi * fall)) / 2
