"""The CUDA twin: equal to the CPU twin (which is OpenCV and Pillow), bit for bit, always."""

import itertools

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.ops.letterbox import OP, Fit, Target, fit, letterbox, size_of
from edgecv.ops.letterbox.cuda import LetterboxPlan, Output, _kind
from edgecv.ops.letterbox.nv12 import Nv12
from tests.cuda.capture import assert_capturable

RGB = Target(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
GRAY = Target("gray", (100.0,), (50.0,))
DST = (20, 24)
SIZES = [(31, 49), (49, 31), (40, 48), (20, 24), (60, 72), (7, 5), (1, 50), (41, 24)]
INT8 = Output("int8", scale=0.02)


def picture(rng, size, source):
    if source != "nv12":
        return rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    y = rng.integers(0, 256, size, dtype=np.uint8)
    uv = rng.integers(0, 256, ((size[0] + 1) // 2, (size[1] + 1) // 2, 2), dtype=np.uint8)
    kinds = [(m, r) for m in ("601", "709") for r in ("limited", "full")]
    return Nv12(y, uv, *kinds[rng.integers(4)])


def on_cpu(image, place, target, output, color="bgr", dst=DST):
    out = np.empty((len(target.mean), *dst), np.float32)
    letterbox(image, out, place, target, color=color)
    if output.dtype == "int8":
        return np.clip(np.rint(out / np.float32(output.scale)), -128, 127).astype(np.int8)
    return out.astype(output.dtype)


def on_device(session, pictures, target, output, *, resize="letterbox", dst=DST):
    """Outputs of one enqueue of (image, color) pairs; None is a slot without a frame."""
    sizes = [size_of(image) for image, _ in filter(None, pictures)]
    most = tuple(max(size[i] for size in sizes) for i in (0, 1))
    plan = LetterboxPlan(
        session, size=dst, target=target, batch=len(pictures), max_frame=most, output=output
    )
    frames = np.full((len(pictures), plan.frame_bytes), 77, np.uint8)
    blocks = np.zeros((len(pictures), 32), np.int32)
    for i, pair in enumerate(pictures):
        if pair:
            place = fit(size_of(pair[0]), dst, resize)
            blocks[i] = plan.stage(pair[0], place, frames[i], color=pair[1])
    shape = (8,) if output.layout == "hwc8" else ()
    shape = (*dst, *shape) if shape else (len(target.mean), *dst)
    out = session.empty((len(pictures), *shape), output.dtype)
    given = session.upload(frames), session.upload(blocks)
    (found,) = assert_capturable(session, lambda s: plan.enqueue(s, *given, out), [out])
    plan.close()
    for array in (*given, out):
        array.free()
    return found


@pytest.mark.parametrize("interpolation", ["linear", "area", "antialias"])
@pytest.mark.parametrize("resize", ["letterbox", "stretch", "crop"])
def test_every_size_and_source_in_one_launch_equals_the_cpu_twin(
    session, rng, resize, interpolation
):
    target = RGB._replace(interpolation=interpolation)
    sources = itertools.cycle(["bgr", "rgb", "nv12"])
    pictures = []
    for size, source in zip(SIZES, sources, strict=False):
        color = "rgb" if source == "rgb" else "bgr"
        pictures.append((picture(rng, size, source), color))
    pictures.insert(2, None)
    found = on_device(session, pictures, target, Output(), resize=resize)
    for got, pair in zip(found, pictures, strict=True):
        if pair is None:
            assert not got.any()
            continue
        place = fit(size_of(pair[0]), DST, resize)
        wanted = on_cpu(pair[0], place, target, Output(), pair[1])
        assert (OP.atol, OP.share) == (0, 0)
        assert np.array_equal(got, wanted), (size_of(pair[0]), place)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("target", [RGB, RGB._replace(color="bgr"), GRAY], ids=lambda t: t.color)
@pytest.mark.parametrize("output", [Output("float16"), INT8], ids=lambda o: o.dtype)
@pytest.mark.parametrize("interpolation", ["linear", "area", "antialias"])
def test_every_output_type_and_color(session, rng, interpolation, output, target):
    target = target._replace(interpolation=interpolation)
    pairs = [
        (picture(rng, (31, 49), s), "rgb" if s == "rgb" else "bgr") for s in ("bgr", "rgb", "nv12")
    ]
    found = on_device(session, pairs, target, output)
    for got, (image, color) in zip(found, pairs, strict=True):
        wanted = on_cpu(image, fit((31, 49), DST), target, output, color)
        assert got.dtype == np.dtype(output.dtype)
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("interpolation", ["linear", "antialias"])
def test_hwc8_interleaves_and_pads_with_zeros(session, rng, interpolation):
    target = RGB._replace(interpolation=interpolation)
    image = picture(rng, (31, 49), "bgr")
    (got,) = on_device(session, [(image, "bgr")], target, Output("float16", "hwc8"))
    wanted = on_cpu(image, fit((31, 49), DST), target, Output("float16"))
    assert np.array_equal(got[:, :, :3].transpose(2, 0, 1), wanted)
    assert not got[:, :, 3:].view(np.uint16).any()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
@pytest.mark.parametrize("interpolation", ["linear", "area", "antialias"])
def test_random_sizes(session, rng, interpolation):
    target = RGB._replace(interpolation=interpolation)
    for turn in range(12):
        src, dst = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (60, 30))
        image, resize = picture(rng, src, "bgr"), ("letterbox", "stretch", "crop")[turn % 3]
        (got,) = on_device(session, [(image, "bgr")], target, Output(), resize=resize, dst=dst)
        wanted = on_cpu(image, fit(src, dst, resize), target, Output(), dst=dst)
        assert np.array_equal(got, wanted), (src, dst, resize)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_by_hand(session):
    image = np.zeros((2, 2, 3), np.uint8)
    image[:, :, 2] = [[0, 100], [200, 40]]  # red: at half size their mean, 85
    (got,) = on_device(
        session, [(image, "bgr")], Target(std=(1.0,) * 3, pad=9), Output(), dst=(1, 3)
    )
    assert got[:, 0].tolist() == [[9, 85, 9], [9, 0, 9], [9, 0, 9]]


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_frames_on_the_device_may_have_a_pitch(session, rng):
    plan = LetterboxPlan(session, size=DST, target=RGB, max_frame=(16, 30))
    wide = rng.integers(0, 256, (16, 100), dtype=np.uint8)
    packed = np.lib.stride_tricks.as_strided(wide, (16, 30, 3), (100, 3, 1))
    y, pairs = wide[:8, :30], np.lib.stride_tricks.as_strided(wide[9:], (4, 15, 2), (100, 2, 1))
    place, half = fit((16, 30), DST), fit((8, 30), DST)
    rows = [
        plan.parameters((16, 30), place, pitch=100),
        plan.parameters((8, 30), half, yuv=("709", "full"), pitch=100, uv=(900, 100)),
    ]
    images = [packed, Nv12(y, pairs, "709", "full")]
    frames, stream = session.upload(wide.reshape(1, -1)), session.stream()
    out = session.empty((1, 3, *DST), "float32")
    for row, image, at in zip(rows, images, (place, half), strict=True):
        blocks = session.upload(row[None])
        plan.enqueue(stream, frames, blocks, out)
        assert np.array_equal(session.download(out)[0], on_cpu(image, at, RGB, Output()))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_refuses_what_does_not_fit(session):
    plan = LetterboxPlan(session, size=DST, target=RGB, max_frame=(16, 30))
    slot = np.empty(plan.frame_bytes, np.uint8)
    with pytest.raises(ShapeError, match="17 x 30 pixels"):
        plan.stage(np.zeros((17, 30, 3), np.uint8), fit((17, 30), DST), slot)
    with pytest.raises(ShapeError, match="16 x 31 pixels"):
        plan.parameters((16, 31), fit((16, 31), DST))
    with pytest.raises(ShapeError, match="an image must be"):
        plan.stage(np.zeros((9, 9), np.uint8), fit((9, 9), DST), slot)
    with pytest.raises(ShapeError, match="hwc8 holds float16"):
        LetterboxPlan(session, size=DST, target=RGB, output=Output("int8", "hwc8"))


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_close_frees_what_was_allocated(session):
    before = session.allocated_bytes
    for interpolation in ("linear", "area", "antialias"):
        target = RGB._replace(interpolation=interpolation)
        plan = LetterboxPlan(session, size=DST, target=target, max_frame=(16, 30))
        assert session.allocated_bytes > before
        plan.close()
        assert session.allocated_bytes == before


@pytest.mark.parametrize(
    ("size", "place", "interpolation", "kind"),
    [
        pytest.param((60, 90), Fit(0, 0, 20, 30), "linear", ("linear", (0, 0)), id="third"),
        pytest.param((60, 90), Fit(0, 0, 30, 45), "linear", ("half", (0, 0)), id="half"),
        pytest.param((60, 90), Fit(0, 0, 30, 90), "linear", ("linear", (0, 0)), id="half-one-way"),
        pytest.param((60, 90), Fit(0, 0, 30, 45), "area", ("half", (0, 0)), id="area-half"),
        pytest.param((60, 90), Fit(0, 0, 20, 45), "area", ("area_whole", (3, 2)), id="area-whole"),
        pytest.param((60, 90), Fit(0, 0, 20, 44), "area", ("area", (0, 0)), id="area-parts"),
        pytest.param((60, 90), Fit(0, 0, 61, 30), "area", ("linear_area", (0, 0)), id="area-grows"),
        pytest.param((60, 90), Fit(0, 0, 7, 7), "antialias", ("antialias", (0, 0)), id="antialias"),
    ],
)
def test_arithmetic_is_chosen_as_opencv_chooses(size, place, interpolation, kind):
    assert _kind(size, place, interpolation) == kind
