"""The preprocessor: boxes go there and back, batches equal single images, bad input is refused."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.recipe import Input
from edgecv.runtime.preprocess import Nv12, Preprocessor

SPECS = [
    pytest.param({"resize": "letterbox"}, id="letterbox"),
    pytest.param({"resize": "stretch"}, id="stretch"),
    pytest.param({"resize": "crop"}, id="crop"),
]


@pytest.mark.parametrize("spec", SPECS)
def test_boxes_return_to_the_picture(rng, spec):
    geometry = Preprocessor(Input(size=(64, 96), **spec)).geometry((300, 210))
    corners = rng.uniform(0, 1, (20, 2, 2)) * (210, 300)
    boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1).astype(np.float32)
    back = geometry.to_image(geometry.to_input(boxes))
    assert back.dtype == np.float32
    assert np.allclose(back, boxes, atol=1e-3)


def test_to_image_by_hand():
    geometry = Preprocessor(Input(size=(640, 640))).geometry((1080, 1920))
    boxes = np.float32([[64, 140, 128, 500], [-5, 0, 700, 640]])
    assert geometry.to_image(boxes).tolist() == [[192, 0, 384, 1080], [0, 0, 1920, 1080]]


def test_a_marked_pixel_lands_where_geometry_says():
    image = np.zeros((200, 100, 3), np.uint8)
    image[120:124, 60:64] = 255
    preprocess = Preprocessor(Input(size=(100, 100), pad=0))
    out = np.empty((3, 100, 100), np.float32)
    geometry = preprocess.into(image, out)
    x0, y0, x1, y1 = geometry.to_input(np.float32([[60, 120, 64, 124]]))[0].astype(int)
    assert (out[:, y0:y1, x0:x1] == 1).all()
    assert out.sum() == 3 * (y1 - y0) * (x1 - x0)


def test_batch_equals_single_images(rng):
    preprocess = Preprocessor(Input(size=(32, 48), color="bgr"))
    images = [rng.integers(0, 256, (*s, 3), dtype=np.uint8) for s in ((50, 60), (90, 20), (32, 48))]
    batch, geometries = preprocess.batch(images)
    assert batch.shape == (3, 3, 32, 48)
    assert batch.dtype == np.float32
    for image, got, geometry in zip(images, batch, geometries, strict=True):
        out = np.empty((3, 32, 48), np.float32)
        assert preprocess.into(image, out) == geometry
        assert np.array_equal(out, got)


def test_gray_has_one_channel(rng):
    spec = Input(size=(8, 8), color="gray", mean=(0,), std=(1,))
    batch, _ = Preprocessor(spec).batch([rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)])
    assert batch.shape == (1, 1, 8, 8)


def test_refuses_an_output_of_another_size():
    preprocess = Preprocessor(Input(size=(32, 48)))
    with pytest.raises(ShapeError, match="not the network's input size"):
        preprocess.into(np.zeros((9, 9, 3), np.uint8), np.empty((3, 48, 32), np.float32))


def test_refuses_an_empty_batch():
    with pytest.raises(ShapeError, match="at least one image"):
        Preprocessor(Input(size=(32, 48))).batch([])


def test_refuses_boxes_of_another_rank():
    geometry = Preprocessor(Input(size=(32, 48))).geometry((10, 10))
    with pytest.raises(ShapeError, match=r"boxes must be \(N, 4\)"):
        geometry.to_image(np.zeros(4, np.float32))


def test_rgb_arrays_give_the_bits_of_bgr_ones(rng):
    image = rng.integers(0, 256, (50, 40, 3), dtype=np.uint8)
    preprocess = Preprocessor(Input(size=(32, 48)))
    wanted, _ = preprocess.batch([image])
    got, _ = preprocess.batch([image[:, :, ::-1].copy()], color="rgb")
    assert np.array_equal(got, wanted)


def test_an_nv12_frame_is_read_as_the_recipe_says_unless_its_stream_does(rng):
    planes = rng.integers(0, 256, (6, 10), dtype=np.uint8), np.full((3, 5, 2), 90, np.uint8)
    preprocess = Preprocessor(Input(size=(8, 8), matrix="709", range="full"))
    silent, _ = preprocess.batch([Nv12(*planes)])
    spoken, _ = preprocess.batch([Nv12(*planes, "709", "full")])
    other, geometries = preprocess.batch([Nv12(*planes, "601", "limited")])
    assert np.array_equal(silent, spoken)
    assert not np.array_equal(silent, other)
    assert geometries[0].image_size == (6, 10)


def test_pixels_are_what_the_network_saw(rng):
    spec = Input(size=(32, 48), mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4), pad=77)
    image = rng.integers(0, 256, (30, 31, 3)).astype(np.uint8)
    raw, _ = Preprocessor(Input(size=(32, 48), mean=(0, 0, 0), std=(1, 1, 1), pad=77)).batch(
        [image]
    )
    _, (geometry,) = Preprocessor(spec, pixels=True).batch([image])
    assert np.array_equal(geometry.pixels, raw[0].transpose(1, 2, 0))
    assert Preprocessor(spec).batch([image])[1] == [geometry]  # alike, but for the pixels
    assert Preprocessor(spec).batch([image])[1][0].pixels is None
