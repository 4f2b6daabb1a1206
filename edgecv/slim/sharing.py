"""Weight sharing: a few values per layer, found by k-means; and which weights to cut off.

Source: Han et al., "Deep Compression", arXiv:1510.00149, sections 2 and 3. Centroids start evenly
spaced between the smallest and the largest weight ("linear" initialisation, the paper's best).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ROUNDS = 60  # of Lloyd's algorithm; it stops earlier when nothing moves


def cut_small(weights: Array, share: float) -> Array:
    """`weights` with the `share` of smallest magnitude set to 0; ties are cut by position."""
    flat = np.abs(weights).reshape(-1)
    drop = np.argsort(flat, kind="stable")[: int(share * flat.size)]
    kept = weights.reshape(-1).copy()
    kept[drop] = 0
    return kept.reshape(weights.shape)


def share_weights(values: Array, clusters: int) -> tuple[Array, Array]:
    """k-means in one dimension.

    Args:
        values: (N,) float32, none of them 0.
        clusters: At most this many centroids, at least 1.

    Returns:
        (K,) float32 centroids, rising, none equal, and (N,) int64: which one each value takes.
        Where there are no more different values than clusters, they are kept exactly.
    """
    distinct = np.unique(values)
    if len(distinct) <= clusters:
        return distinct.astype(np.float32), np.searchsorted(distinct, values).astype(np.int64)
    order = np.argsort(values, kind="stable")
    ranked = values[order].astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(ranked)])
    centroids = np.linspace(ranked[0], ranked[-1], clusters)
    for _ in range(ROUNDS):
        edges = _edges(ranked, centroids)
        counts = np.diff(edges)
        means = np.diff(sums[edges]) / np.maximum(counts, 1)
        moved = np.where(counts > 0, means, centroids)
        if np.array_equal(moved, centroids):
            break
        centroids = np.sort(moved)
    edges = _edges(ranked, centroids)
    used = np.diff(edges) > 0
    which = np.empty(len(values), np.int64)
    which[order] = np.repeat(np.cumsum(used) - 1, np.diff(edges))
    return _distinct(centroids[used].astype(np.float32), which)


def _edges(ranked: Array, centroids: Array) -> Array:
    """Where each centroid's stretch of the ranked values begins, and the end."""
    middles = (centroids[1:] + centroids[:-1]) / 2
    return np.concatenate([[0], np.searchsorted(ranked, middles), [len(ranked)]])


def _distinct(centroids: Array, which: Array) -> tuple[Array, Array]:
    """Join centroids that are one number in float32."""
    kept, index = np.unique(centroids, return_inverse=True)
    return kept, index[which]
