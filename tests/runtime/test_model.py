"""A bundle as a callable, on networks that can be worked by hand (tests/conftest.py)."""

import shutil
import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import edgecv
from edgecv.bundle import Tensor, open_bundle, seal
from edgecv.errors import FileError, GateFailed, ShapeError, UnknownName, UnsupportedModel
from edgecv.head import CenterNetHead
from edgecv.head.segment import ConvCrfOptions
from edgecv.ops.letterbox.nv12 import Nv12, bgr_of
from edgecv.runtime import load
from edgecv.runtime.model import Model

BGR_RED = (0, 0, 255)


@pytest.fixture
def scene():
    """Two red squares on blue, in a picture twice as large as the detector's input."""
    image = np.zeros((96, 128, 3), np.uint8)
    image[:] = (255, 0, 0)
    image[16:48, 32:64] = BGR_RED
    image[56:88, 88:120] = BGR_RED
    return image


@pytest.fixture(scope="module", params=["onnxruntime", "openvino"])
def detector(request, tiny_bundle):
    pytest.importorskip(request.param)
    with edgecv.load(tiny_bundle("centernet", request.param)) as model:
        yield model


@pytest.fixture(scope="module")
def classifier(tiny_bundle):
    with edgecv.load(tiny_bundle("classify")) as model:
        yield model


def reddish(image_size=(40, 40), level=255):
    image = np.zeros((*image_size, 3), np.uint8)
    image[:, :, 2] = level
    return image


def test_boxes_come_out_in_the_pictures_pixels(detector, scene):
    result = detector(scene)
    # each square covers 4 x 4 cells of equal logit: one plateau, its first cell is the peak
    assert result.ids.tolist() == [0, 0]
    first = result.boxes[np.argsort(result.boxes[:, 0])][0]
    # cell (4, 4) of the input; its centre is (18, 18) there, the padding on top is 8
    assert first.tolist() == [20, 4, 52, 36]
    assert result.image_size == (96, 128)
    assert result.names == ("square",)


def test_every_way_to_hand_over_a_picture_agrees(detector, scene, tmp_path):
    Image = pytest.importorskip("PIL.Image")
    cv2.imwrite(str(tmp_path / "scene.png"), scene)
    wanted = detector(scene).to_dict()
    assert detector(tmp_path / "scene.png").to_dict() == wanted
    assert detector(str(tmp_path / "scene.png")).to_dict() == wanted
    assert detector(scene[:, :, ::-1], color="rgb").to_dict() == wanted
    assert detector(Image.fromarray(scene[:, :, ::-1])).to_dict() == wanted


def test_classes(classifier):
    result = classifier(reddish())
    assert result.best == "red"
    assert len(result.ids) == 2
    assert classifier(reddish(), color="rgb").best == "blue"


def test_timed_gives_the_same_result_and_three_times(classifier):
    result, times = classifier.timed(reddish())
    assert result.to_dict() == classifier(reddish()).to_dict()
    assert list(times) == ["pre_ms", "engine_ms", "post_ms"]
    assert all(value > 0 for value in times.values())


def test_another_head_for_once(detector, scene):
    strict = CenterNetHead(names=("square",), max_detections=1)
    assert [len(r) for r in detector.results([scene, scene], head=strict)] == [1, 1]
    assert len(detector(scene)) == 2


@pytest.mark.parametrize(
    "batch", [(1, 1, 1), (4, 4, 4), (1, 2, 3)], ids=["one", "fixed-4", "dynamic-1-3"]
)
@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_many_pictures_equal_single_ones(tiny_bundle, rng, batch, backend):
    pytest.importorskip(backend)
    images = [rng.integers(0, 256, (20, 20 + i, 3), dtype=np.uint8) for i in range(7)]
    with edgecv.load(tiny_bundle("classify", backend, batch)) as model:
        many = [result.to_dict() for result in model.results(images)]
        assert many == [model(image).to_dict() for image in images]
        assert model.results([]) == []
    assert [r["image_size"] for r in many] == [[20, 20 + i] for i in range(7)]


def test_raw_refuses_more_than_the_engine_takes(classifier):
    with pytest.raises(ShapeError, match="1 to max-batch"):
        classifier.raw([reddish()] * 2)


def test_threads_may_share_a_model(tiny_bundle):
    colors = np.eye(3, dtype=np.uint8)[:, None, None, :] * np.full((1, 9, 9, 1), 255, np.uint8)
    seen = {}
    with edgecv.load(tiny_bundle("classify"), streams=2) as model:

        def work(i):
            seen[i] = {model(colors[i]).best for _ in range(100)}

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {0: {"blue"}, 1: {"green"}, 2: {"red"}}


BAD = [
    pytest.param(np.zeros((4, 4), np.uint8), ShapeError, r"\(H, W, 3\)", id="gray"),
    pytest.param(np.zeros((4, 4, 3)), ShapeError, "float64", id="float"),
    pytest.param(np.zeros((0, 4, 3), np.uint8), ShapeError, "non-empty", id="empty"),
    pytest.param(None, ShapeError, "got: NoneType", id="none"),
    pytest.param("no/such.jpg", FileError, "not found", id="missing-file"),
]


@pytest.mark.parametrize(("image", "error", "says"), BAD)
@pytest.mark.parametrize("color", ["bgr", "rgb"])
def test_refuses_what_is_no_picture(classifier, image, error, says, color):
    with pytest.raises(error, match=says):
        classifier(image, color=color)


def test_refuses_an_unknown_color_order(classifier):
    with pytest.raises(UnknownName, match="color order 'rbg'"):
        classifier(reddish(), color="rbg")


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        pytest.param((), "inputs: none", id="none"),
        pytest.param(("images", "other"), "inputs: images, other", id="two"),
    ],
)
def test_refuses_an_engine_without_one_image_input(tiny_bundle, inputs, says):
    bundle = open_bundle(tiny_bundle("classify"))
    tensors = tuple(Tensor(name=n, shape=(1, 3, 32, 32), dtype="float32") for n in inputs)
    with pytest.raises(UnsupportedModel, match=says):
        Model(bundle, SimpleNamespace(inputs=tensors))


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        pytest.param((1, 3, 16, 16), "float32", id="size"),
        pytest.param((1, 32, 32, 3), "float32", id="layout"),
        pytest.param((1, 3, 32, 32), "uint8", id="dtype"),
    ],
)
def test_refuses_an_engine_of_another_input(tiny_bundle, shape, dtype):
    bundle = open_bundle(tiny_bundle("classify"))
    tensors = (Tensor(name="images", shape=shape, dtype=dtype),)
    with pytest.raises(UnsupportedModel, match="not what the manifest"):
        Model(bundle, SimpleNamespace(inputs=tensors))


def test_self_test_passes_and_a_changed_engine_fails(tiny_bundle, monkeypatch):
    pytest.importorskip("edgecv.engines.golden")
    with edgecv.load(tiny_bundle("classify")) as model:
        assert model.self_test()["passed"] is True
        execute = model.engine.execute
        changed = {"logits": execute({"images": np.ones((1, 3, 32, 32), np.float32)})["logits"]}
        monkeypatch.setattr(model.engine, "execute", lambda _: changed)
        with pytest.raises(GateFailed, match=r"(?s)self-test failed.*output: logits"):
            model.self_test()


def test_a_segmenter_labels_every_pixel_of_the_picture(tiny_bundle):
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, :50, 0] = image[:, 50:, 1] = 200  # blue, then green
    with load(tiny_bundle("segment")) as model:
        found = model(image)
    assert found.labels.shape == (40, 100)
    assert (found.labels[:, :47] == 2).all()
    assert (found.labels[:, 53:] == 1).all()


def test_a_head_with_a_crf_sees_the_pixels(tiny_bundle, rng, tmp_path):
    image = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    folder = tmp_path / "fp32-onnxruntime"
    shutil.copytree(tiny_bundle("segment"), folder)
    manifest = open_bundle(folder).manifest
    head = manifest.head.model_copy(update={"crf": ConvCrfOptions(blur=2)})
    seal(folder, manifest.model_copy(update={"head": head}))
    with load(tiny_bundle("segment")) as model, load(folder) as refining:
        plain, refined = model(image), refining(image)
        (asked,) = model.results([image], head=head)
    assert not np.array_equal(plain.labels, refined.labels)
    assert np.array_equal(asked.labels, refined.labels)


def test_an_nv12_frame_is_seen_as_its_picture(tiny_bundle, rng):
    planes = (
        rng.integers(0, 256, (64, 64), dtype=np.uint8),
        rng.integers(0, 256, (32, 32, 2), dtype=np.uint8),
    )
    frame = Nv12(*planes, "709", "full")
    converted = bgr_of(frame, np.empty((64, 64, 3), np.uint8))
    with load(tiny_bundle("segment")) as model:
        seen, wanted = model(frame), model(converted)
        assert model(converted[:, :, ::-1], color="rgb").to_dict() == wanted.to_dict()
    assert np.array_equal(seen.labels, wanted.labels)
