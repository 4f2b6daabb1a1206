import json

import numpy as np
import onnx
import pytest
from onnx import helper

from edgecv.calibrate import calibrate
from edgecv.errors import ShapeError, UnknownName, UnsupportedModel, UsageError
from edgecv.files import sha256_file


@pytest.fixture
def images(rng):
    return rng.normal(size=(6, 3, 4, 4)).astype(np.float32)


def test_minmax_by_hand(net, images):
    ranges = calibrate(net, np.split(images, 6), "minmax")
    assert list(ranges.tensors) == ["images", "r"], "what the two convolutions read"
    seen, inner = ranges.tensors["images"], ranges.tensors["r"]
    assert (seen.low, seen.high) == (images.min(), images.max())
    assert (inner.low, inner.high) == (0, 2 * images.max())
    assert inner.amax == inner.high


def test_provenance(net, images):
    ranges = calibrate(net, np.split(images, 6), "entropy", recipe_digest="r")
    assert (ranges.images, ranges.method, ranges.recipe_digest) == (6, "entropy", "r")
    assert ranges.model_digest == sha256_file(net)
    again = calibrate(net, np.split(images, 6), "entropy", recipe_digest="r")
    assert again == ranges
    images[3, 0, 0, 0] += 1e-3
    assert calibrate(net, np.split(images, 6), "minmax").data_digest != ranges.data_digest


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile", "mse"])
def test_batching_does_not_matter(net, dynamic_net, images, method):
    one = calibrate(net, np.split(images, 6), method)
    many = calibrate(dynamic_net, [images[:4], images[4:]], method)
    assert one.tensors == many.tensors


def test_fixed_batch_takes_larger_ones_apart(net, images):
    assert calibrate(net, [images], "mse").images == 6


def test_image_input_is_never_clipped(net, images):
    images[0, 0, 0, 0] = 100
    table = calibrate(net, [images], "percentile", percentile=90).tensors
    assert table["images"].amax == 100
    assert table["r"].amax < 20


def test_input_is_streamed(net, images):
    """No image is kept: each array is spoilt as soon as the next is asked for."""
    buffer = np.empty((1, 3, 4, 4), np.float32)

    def stream():
        for image in images:
            buffer[:] = image
            yield buffer
            buffer[:] = np.nan

    assert calibrate(net, stream(), "mse") == calibrate(net, np.split(images, 6), "mse")


def test_zero_images_give_a_zero_range(net):
    table = calibrate(net, [np.zeros((1, 3, 4, 4), np.float32)], "entropy").tensors
    assert (table["r"].amax, table["r"].low, table["r"].high) == (0, 0, 0)


def test_table_holds_no_nan(net, images):
    text = calibrate(net, [images], "entropy").model_dump_json()
    assert "NaN" not in text
    assert json.loads(text)["tensors"]


def test_not_finite_names_the_tensor_and_the_image(dynamic_net, images):
    images[4, 1, 2, 3] = np.inf
    with pytest.raises(UnsupportedModel, match=r"(?s)NaN or infinity.*tensor: images.*image: 4"):
        calibrate(dynamic_net, [images[:3], images[3:]], "entropy")


def test_overflow_inside_names_the_inner_tensor(net):
    huge = np.full((1, 3, 4, 4), 3e38, np.float32)
    with pytest.raises(UnsupportedModel, match=r"(?s)NaN or infinity.*tensor: r"):
        calibrate(net, [huge], "mse")


REFUSED = [
    pytest.param([], "mse", UsageError, "at least one image", id="no-images"),
    pytest.param(None, "kl", UnknownName, "unknown calibration method 'kl'", id="method"),
    pytest.param([np.zeros((1, 3, 5, 4), np.float32)], "mse", ShapeError, "not what", id="shape"),
    pytest.param([np.zeros((1, 3, 4, 4))], "mse", ShapeError, "float64", id="dtype"),
    pytest.param([np.zeros((3, 4, 4), np.float32)], "mse", ShapeError, "not what", id="rank"),
]


@pytest.mark.parametrize(("batches", "method", "error", "text"), REFUSED)
def test_refuses(net, batches, method, error, text):
    with pytest.raises(error, match=text):
        calibrate(net, batches or [], method)


def test_refuses_a_graph_with_nothing_to_quantise(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], name="relu")],
        "relu",
        [helper.make_tensor_value_info("x", 1, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("y", 1, [1, 3, 4, 4])],
    )
    path = tmp_path / "relu.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    with pytest.raises(UnsupportedModel, match="nothing that int8 could quantise"):
        calibrate(path, [np.zeros((1, 3, 4, 4), np.float32)], "mse")


def piled_images(rng):
    """Flat pictures: `r` is 0.86 over a tenth of all pixels, and reaches 6."""
    values = np.concatenate(
        [np.full(9_600, -1.0), np.full(1_920, 0.43), rng.exponential(0.5, 7_680)]
    )
    return rng.permutation(np.clip(values, -1, 3)).reshape(-1, 3, 4, 4).astype(np.float32)


def test_a_threshold_that_clips_what_matters_is_told(net, rng, monkeypatch):
    told = []
    monkeypatch.setattr("edgecv.calibrate.measure.note", told.append)
    images = piled_images(rng)
    assert calibrate(net, [images], "entropy").tensors["r"].amax < 1
    assert "entropy clips 1 of 2 tensors too low, r at 0.86" in told.pop()
    assert calibrate(net, [images], "mse").tensors["r"].amax > 5
    assert told == []
