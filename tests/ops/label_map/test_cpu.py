"""The CPU twin: torch's interpolate then argmax, and its own three forms bit for bit."""

import numpy as np
import pytest

from edgecv.ops.label_map import Window, label_map, sampling, taps
from edgecv.ops.label_map.cpu import plain

SIZES = [  # scores (C, h, w), labels (H, W)
    pytest.param((5, 9, 12), (70, 95), id="enlarge"),
    pytest.param((3, 20, 30), (21, 31), id="about-the-same"),
    pytest.param((4, 20, 30), (7, 11), id="shrink"),
    pytest.param((1, 3, 3), (9, 9), id="one-class"),
    pytest.param((7, 1, 1), (5, 6), id="one-score"),
    pytest.param((256, 2, 3), (17, 13), id="most-classes"),
]


def torch_labels(logits, size, align_corners=False):
    torch = pytest.importorskip("torch")
    planes = torch.from_numpy(logits.astype(np.float32))[None]
    wide = torch.nn.functional.interpolate(
        planes, size, mode="bilinear", align_corners=align_corners
    )
    return wide[0].argmax(0).numpy(), wide[0].numpy()


def assert_labels(labels, values, atol):
    """Each label's value is the largest, up to rounding: labels may differ only at ties."""
    assert labels.dtype == np.uint8
    reached = np.take_along_axis(values, labels[None].astype(np.int64), axis=0)[0]
    assert (values.max(axis=0) - reached).max() <= atol


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_is_interpolate_then_argmax(form, rng, shape, size, align_corners):
    logits = rng.normal(size=shape).astype(np.float32)
    read = sampling(shape[1:], size, align_corners=align_corners)
    labels = label_map(logits, read)
    wanted, values = torch_labels(logits, size, align_corners)
    assert_labels(labels, values, 1e-5)
    assert (labels != wanted).mean() <= 0.002


@pytest.mark.parametrize("kind", ["noise", "smooth", "ties", "special", "large"])
@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_forms_are_equal(rng, shape, size, kind):
    pytest.importorskip("numba")
    logits = rng.normal(size=shape).astype(np.float32)
    if kind == "smooth":
        logits = np.cumsum(logits, axis=2)
    if kind == "ties":
        logits = np.round(logits)
    if kind == "special":
        for value in (np.nan, np.inf, -np.inf, 3e38):
            logits[rng.random(shape) < 0.05] = value
    if kind == "large":
        logits = logits * np.float32(1e-3) + np.float32(4096)  # rounding decides
    for window in (None, Window(-7.0, 3.0, 40.0, 61.0, (48, 64))):
        read = sampling(shape[1:], size, window)
        rows, columns = taps(read.y, shape[1]), taps(read.x, shape[2])
        wanted = np.empty(size, np.uint8)
        plain(logits, rows, columns, wanted)
        assert np.array_equal(label_map(logits, read), wanted)


def test_ties_go_to_the_low_label(form):
    logits = np.zeros((3, 2, 2), np.float32)
    logits[1:] = 1
    assert (label_map(logits, sampling((2, 2), (9, 9))) == 1).all()


def test_nan_is_never_the_largest(form):
    logits = np.stack([np.full((2, 2), np.nan), np.full((2, 2), -9), np.full((2, 2), np.nan)])
    read = sampling((2, 2), (4, 4))
    assert (label_map(logits.astype(np.float32), read) == 1).all()
    assert (label_map(np.full((3, 2, 2), np.nan, np.float32), read) == 0).all()


def test_by_hand(form):
    # one row, two columns: class 1 overtakes class 0 half way
    logits = np.float32([[[1, 0]], [[0, 1]]])
    assert label_map(logits, sampling((1, 2), (1, 8))).tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]
    nearer = np.float32([[[1, 0]], [[0, 3]]])  # 1 - f = 3 f at f = 1/4, u = 1/4
    # u = (j + 1/2) / 4 - 1/2 = -3/8, -1/8, 1/8, 3/8, …
    assert label_map(nearer, sampling((1, 2), (1, 8))).tolist() == [[0, 0, 0, 1, 1, 1, 1, 1]]


def test_half_precision_scores_are_read_exactly(form, rng):
    logits = rng.normal(size=(4, 6, 7)).astype(np.float16)
    read = sampling((6, 7), (30, 31))
    assert np.array_equal(label_map(logits, read), label_map(logits.astype(np.float32), read))


def test_a_letterboxed_picture_is_cut_out(form, rng):
    """Resizing to the input, then cutting out the picture, then resizing: here without resizing."""
    logits = rng.normal(size=(4, 8, 12)).astype(np.float32)
    whole = label_map(logits, sampling((8, 12), (32, 48)))
    part = label_map(logits, sampling((8, 12), (20, 48), Window(6, 0, 20, 48, (32, 48))))
    assert np.array_equal(part, whole[6:26])


def test_windows_follow_align_corners(form, rng):
    logits = rng.normal(size=(4, 8, 12)).astype(np.float32)
    whole = label_map(logits, sampling((8, 12), (32, 48), align_corners=True))
    window = Window(6, 8, 20, 30, (32, 48))
    part = label_map(logits, sampling((8, 12), (20, 30), window, align_corners=True))
    assert (part != whole[6:26, 8:38]).mean() <= 0.005  # u is rounded from another offset
