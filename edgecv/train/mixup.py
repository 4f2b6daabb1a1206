"""Mixup: pictures and classes blended in pairs.

Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", arXiv:1710.09412. As in its
reference implementation a batch has one share, and is blended with itself in another order.
"""

from __future__ import annotations

import numpy as np
import torch

from edgecv.train.stream import Batch

_MIX = 2  # which stream of random numbers (edgecv.train.stream has the others)


def mix(batch: Batch, alpha: float, seed: int, step: int) -> Batch:
    """Blend a batch; what comes out depends on nothing but the arguments, so resuming repeats it.

    Args:
        batch: `image` (N, C, H, W) float and `label` (N,) int64.
        alpha: Of the Beta(alpha, alpha) the share is drawn from; 0 returns the batch as it is.
        seed: The recipe's.
        step: Which step of the training this is.

    Returns:
        The batch with `image` blended, and with `mixed_label` (N,) and `share` (), the weight of
        `label` in 0.5..1: of the two classes of a picture `label` is the stronger one.
    """
    if not alpha:
        return batch
    rng = np.random.default_rng((seed, _MIX, step))
    share = rng.beta(alpha, alpha)
    share = max(share, 1 - share)
    order = torch.from_numpy(rng.permutation(len(batch["label"])))
    image = batch["image"]
    return {
        **batch,
        "image": image * share + image[order] * (1 - share),
        "mixed_label": batch["label"][order],
        "share": torch.tensor(share, dtype=torch.float32),
    }
