"""Weight sharing: k-means by hand and against its own fixed point."""

import numpy as np
import pytest

from edgecv.slim.sharing import cut_small, share_weights


def test_the_smallest_are_cut():
    w = np.array([[0.5, -0.1], [0.2, -3.0]], np.float32)
    assert cut_small(w, 0.5).tolist() == [[0.5, 0.0], [0.0, -3.0]]
    assert cut_small(w, 0.0).tolist() == w.tolist()


def test_two_heaps_get_their_means():
    centroids, which = share_weights(np.array([1, 2, 3, 11, 12, 13], np.float32), 2)
    assert centroids.tolist() == [2.0, 12.0]
    assert which.tolist() == [0, 0, 0, 1, 1, 1]


def test_few_values_are_kept_exactly():
    values = np.array([0.3, -0.7, 0.3], np.float32)
    centroids, which = share_weights(values, 8)
    assert centroids[which].tolist() == values.tolist()


@pytest.mark.parametrize("clusters", [1, 5, 32])
def test_every_value_takes_its_nearest_centroid_and_each_is_a_mean(rng, clusters):
    values = rng.standard_normal(500).astype(np.float32)
    centroids, which = share_weights(values, clusters)
    assert len(centroids) <= clusters
    distance = np.abs(values[:, None] - centroids)
    assert np.allclose(distance[np.arange(500), which], distance.min(1), atol=1e-6)
    means = [values[which == k].mean() for k in range(len(centroids))]
    assert np.allclose(means, centroids, atol=1e-5)


def test_more_clusters_are_closer(rng):
    values = rng.standard_normal(400).astype(np.float32)
    errors = []
    for clusters in (2, 8, 64):
        centroids, which = share_weights(values, clusters)
        errors.append(float(np.abs(values - centroids[which]).mean()))
    assert errors == sorted(errors, reverse=True)
