"""Pictures with regions, and mean field with every pair of pixels summed."""

import numpy as np


def picture(rng, height=24, width=24, labels=3):
    """Two flat regions with noise, and logits that know the regions only roughly."""
    y, x = np.mgrid[:height, :width]
    region = (x + y // 2 > width * 0.7).astype(int)
    image = np.array([[60, 90, 120], [150, 120, 60]])[region] + rng.normal(0, 6, (*y.shape, 3))
    logits = rng.normal(0, 1.5, (labels, height, width))
    logits[0] += 1.2 * (region == 0)
    logits[1] += 1.2 * (region == 1)
    return logits.astype(np.float32), image.clip(0, 255).astype(np.uint8), region


def exact(logits, image, crf):
    """Mean field with every pair of pixels summed, in float64."""
    count, height, width = logits.shape
    y, x = np.mgrid[:height, :width]
    place = np.stack([x, y], -1).reshape(-1, 2).astype(float)
    both = np.concatenate(
        [place / crf.bilateral_sigma, image.reshape(-1, 3) / crf.color_sigma], axis=1
    )
    message = 0
    for points, weight in (
        (place / crf.spatial_sigma, crf.spatial_weight),
        (both, crf.bilateral_weight),
    ):
        kernel = np.exp(-0.5 * ((points[:, None] - points) ** 2).sum(-1))
        norm = 1 / np.sqrt(kernel.sum(1))
        message = message + weight * kernel * norm[:, None] * norm
    mu = -np.eye(count) if crf.compatibility is None else np.array(crf.compatibility)
    u = logits.reshape(count, -1).astype(float)
    q = softmax(u)
    for _ in range(crf.iterations):
        q = softmax(u - mu @ (q @ message))
    return q.reshape(logits.shape)


def softmax(x):
    e = np.exp(x - x.max(0))
    return e / e.sum(0)
