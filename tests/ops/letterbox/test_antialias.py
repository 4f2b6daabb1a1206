"""The antialias filter: Pillow bit for bit, torch within one grey level."""

import numpy as np
import pytest

from edgecv.ops.letterbox.antialias import resize_antialias

SIZES = [
    pytest.param((108, 192), (22, 22), id="shrink"),
    pytest.param((481, 641), (224, 225), id="shrink-uneven"),
    pytest.param((7, 5), (33, 17), id="enlarge"),
    pytest.param((40, 30), (40, 11), id="one-direction"),
    pytest.param((40, 30), (13, 30), id="other-direction"),
    pytest.param((50, 300), (80, 31), id="mixed"),
    pytest.param((1, 1), (4, 9), id="one-pixel"),
]


def resize(image, size):
    out = np.empty((*size, 3), np.uint8)
    resize_antialias(image, out, size)
    return out


@pytest.mark.parametrize(("src", "dst"), SIZES)
def test_equals_pillow(form, rng, src, dst):
    Image = pytest.importorskip("PIL.Image")
    image = rng.integers(0, 256, (*src, 3), dtype=np.uint8)
    wanted = Image.fromarray(image).resize(dst[::-1], Image.Resampling.BILINEAR)
    assert np.array_equal(resize(image, dst), np.asarray(wanted))


@pytest.mark.parametrize(("src", "dst"), SIZES)
def test_is_within_one_level_of_torch(rng, src, dst):
    torch = pytest.importorskip("torch")
    image = rng.integers(0, 256, (*src, 3), dtype=np.uint8)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    wanted = torch.nn.functional.interpolate(planes, dst, mode="bilinear", antialias=True)
    gap = np.abs(resize(image, dst) - wanted[0].permute(1, 2, 0).numpy())
    assert gap.max() <= 1.0


def test_by_hand(form):
    row = np.repeat(np.uint8([0, 100, 200, 40])[None, :, None], 3, axis=2)
    # scale 2, triangle of support 2 centred at 1 and 3: weights 1/7 (3, 3, 1) after clipping
    out = resize(row, (1, 2))[0, :, 0]
    assert out.tolist() == [round((3 * 0 + 3 * 100 + 200) / 7), round((100 + 600 + 120) / 7)]


@pytest.mark.parametrize("corner", [(0, 0), (7, 0), (0, 9), (12, 31), (37, 70)], ids=str)
@pytest.mark.parametrize("size", [(40, 80), (40, 31), (101, 80), (101, 31)], ids=str)
def test_a_part_equals_the_same_part_of_the_whole(form, rng, corner, size):
    image = rng.integers(0, 256, (101, 80, 3), dtype=np.uint8)
    high, wide = (max(1, min(20, side - at)) for side, at in zip(size, corner, strict=True))
    corner = (min(corner[0], size[0] - high), min(corner[1], size[1] - wide))
    part = np.empty((high, wide, 3), np.uint8)
    resize_antialias(image, part, size, corner)
    rows, columns = (slice(a, a + n) for a, n in zip(corner, part.shape[:2], strict=True))
    assert np.array_equal(part, resize(image, size)[rows, columns])


def test_a_part_that_reads_as_many_pixels_as_it_gives_is_filtered_too(form, rng):
    image = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    whole = resize(image, (18, 18))
    for at in range(16):
        part = np.empty((3, 3, 3), np.uint8)
        resize_antialias(image, part, (18, 18), (at, 15 - at))
        assert np.array_equal(part, whole[at : at + 3, 15 - at : 18 - at])
