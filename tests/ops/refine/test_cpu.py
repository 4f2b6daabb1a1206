"""refine: what is before the CRFs, on the CPU and on the device."""

import numpy as np
import pytest

from edgecv.ops.conv_crf import ConvCrf, conv_crf
from edgecv.ops.dense_crf import DenseCrf, dense_crf
from edgecv.ops.refine import pixels_of, refine
from edgecv.ops.refine.cpu import enlarge

DENSE = DenseCrf(
    1.5, 1.0, bilateral_sigma=6.0, color_sigma=20.0, bilateral_weight=3.0, iterations=1
)


CONV = ConvCrf(3, 2, 1.5, 0.3, 20.0, 0.4, rate=0.4, iterations=1)


MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@pytest.mark.parametrize("align_corners", [False, True])
def test_scores_are_enlarged_as_torch_does(rng, align_corners):
    torch = pytest.importorskip("torch")
    scores = rng.normal(size=(3, 4, 5)).astype(np.float32)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(scores)[None], (9, 12), mode="bilinear", align_corners=align_corners
    )[0]
    np.testing.assert_allclose(enlarge(scores, (9, 12), align_corners), wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_pixels_come_back_from_the_input(rng, dtype):
    image = rng.integers(0, 256, (3, 40, 50)).astype(np.uint8)
    levels = (np.float32(part)[:, None, None] for part in (MEAN, STD))
    mean, std = levels
    tensor = ((image.astype(np.float32) - mean) / std).astype(dtype)
    assert np.array_equal(pixels_of(tensor, MEAN, STD), image.transpose(1, 2, 0))
    gray = pixels_of(tensor[:1], MEAN[:1], STD[:1])
    assert np.array_equal(gray, np.repeat(image[0][..., None], 3, 2))


@pytest.mark.parametrize(("crf", "op"), [(DENSE, dense_crf), (CONV, conv_crf)])
def test_it_is_the_crf_of_the_enlarged_scores(rng, crf, op):
    scores = rng.normal(size=(3, 3, 4)).astype(np.float16)
    pixels = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    large = enlarge(scores.astype(np.float32), (6, 8), False)
    assert np.array_equal(refine(scores, pixels, crf), op(large, pixels, crf))
