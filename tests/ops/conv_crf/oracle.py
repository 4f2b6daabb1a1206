"""The paper's steps with torch's own operations."""

import pytest


def by_torch(logits, image, crf):
    """The steps of the paper's code with torch's own operations, in float64; returns Q."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    _, height, width = logits.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    color = torch.from_numpy(image.astype(float)).permute(2, 0, 1) / crf.color_sigma
    kinds = (torch.stack([y, x]).double() / crf.spatial_sigma, color)
    side, pad = crf.filter_size, [-(-((-n) % crf.blur) // 2) for n in (height, width)]

    def shrink(maps):
        pooled = F.avg_pool2d(maps[None], crf.blur, padding=pad, count_include_pad=False)
        return maps[None] if crf.blur == 1 else pooled

    def windows(maps):
        columns = F.unfold(maps, side, padding=side // 2)
        return columns.view(maps.shape[1], side * side, *maps.shape[2:])

    kernel = 0
    for maps, weight in zip(kinds, (crf.spatial_weight, crf.color_weight), strict=True):
        small = shrink(maps)
        inside = windows(torch.ones_like(small[:, :1]))[0]
        gap = windows(small) - small[0][:, None]
        kernel = kernel + weight * torch.exp(-0.5 * (gap**2).sum(0)) * inside
    log_p = torch.log_softmax(torch.from_numpy(logits.astype(float)), 0)
    q = log_p if crf.iterations else log_p.exp()
    for _ in range(crf.iterations):
        heard = (windows(shrink(q)) * kernel).sum(1)[None]
        heard = F.interpolate(heard, scale_factor=crf.blur, mode="bilinear", align_corners=False)
        heard = heard[0, :, pad[0] : pad[0] + height, pad[1] : pad[1] + width]
        q = torch.softmax((1 - crf.rate) * log_p + crf.rate * heard, 0)
    return q.numpy()
