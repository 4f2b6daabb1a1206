"""Segmentation: scores of any size become the picture's labels."""

import numpy as np
import pytest

from edgecv.errors import FileError, ShapeError
from edgecv.head import SegmentHead
from edgecv.ops.label_map import grid_of
from edgecv.recipe import Input
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Geometry, Preprocessor

HEAD = SegmentHead(names=("a", "b", "c"))


def geometry(size, image_size, resize="letterbox"):
    return Preprocessor(Input(size=size, resize=resize)).geometry(image_size)


def painted(rng, place, size):
    """A colourful picture's true labels at the input's size, from the geometry of boxes alone."""
    labels = np.zeros(size, np.uint8)
    x0, y0, x1, y1 = place.to_input(np.float32([[40, 20, 80, 60]]))[0].round().astype(int)
    labels[y0:y1, x0:x1] = 2
    return labels


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
def test_labels_lie_where_boxes_do(rng, resize):
    place = geometry((64, 96), (100, 120), resize)
    labels = painted(rng, place, (64, 96))
    logits = np.stack([labels == 0, labels == 1, labels == 2])[None].astype(np.float32)
    (found,) = decode(HEAD, {"logits": logits}, [place])
    assert found.labels.shape == (100, 120)
    assert found.names == HEAD.names
    wanted = np.zeros((100, 120), np.uint8)
    wanted[20:60, 40:80] = 2
    assert (found.labels != wanted).mean() < 0.03
    inner = np.s_[22:58, 42:78]
    assert (found.labels[inner] == 2).all()


def test_labels_of_the_network_are_read_at_the_nearest_cell(rng):
    place = geometry((64, 96), (100, 120))
    labels = painted(rng, place, (64, 96))
    logits = np.stack([labels == 0, labels == 1, labels == 2])[None].astype(np.float32)
    (scored,) = decode(HEAD, {"logits": logits}, [place])
    head = SegmentHead(form="labels")
    for ids in (labels[None], labels[None, None].astype(np.int64), labels[None].astype(np.float32)):
        (found,) = decode(head, {"logits": ids}, [place])
        assert np.array_equal(found.labels, scored.labels)  # of two classes the nearer one is best


def test_one_channel_is_a_threshold():
    place = Geometry((2, 4), geometry((2, 4), (2, 4)).fit, (2, 4))
    logits = np.float32([[[[-1, 0, 1, 2], [3, 0.9, -9, 0.1]]]])
    (found,) = decode(SegmentHead(), {"logits": logits}, [place])
    assert found.labels.tolist() == [[0, 0, 1, 1], [1, 1, 0, 1]]
    (strict,) = decode(SegmentHead(threshold=0.8), {"logits": logits}, [place])  # logit 1.386
    assert strict.labels.tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]


def test_batch_may_be_longer_than_the_pictures(rng):
    place = geometry((8, 8), (9, 7))
    logits = rng.normal(size=(3, 3, 8, 8)).astype(np.float32)
    found = decode(HEAD, {"logits": logits}, [place, place])
    assert [result.image_size for result in found] == [(9, 7), (9, 7)]


def test_a_huge_picture_gets_a_coarser_grid(rng):
    image_size = (2160, 3841)
    place = geometry((32, 64), image_size)
    logits = rng.normal(size=(1, 3, 8, 16)).astype(np.float32)
    (found,) = decode(HEAD, {"logits": logits}, [place])
    assert found.labels.shape == image_size
    assert grid_of(image_size) == (1080, 1921)
    assert np.array_equal(found.labels[::2], found.labels[1::2])


@pytest.mark.parametrize(
    ("form", "outputs", "error", "says"),
    [
        pytest.param("logits", {"y": (1, 3, 4, 4)}, FileError, "no output 'logits'", id="name"),
        pytest.param("logits", {"logits": (1, 3, 4)}, ShapeError, "must be", id="rank"),
        pytest.param("labels", {"y": (1, 4, 4)}, FileError, "as its labels", id="labels-name"),
        pytest.param("labels", {"logits": (1, 3, 4, 4)}, ShapeError, "form: logits", id="scores"),
        pytest.param("logits", {"logits": (1, 300, 4, 4)}, ShapeError, "at most 256", id="classes"),
    ],
)
def test_refuses_other_outputs(form, outputs, error, says):
    arrays = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    with pytest.raises(error, match=says):
        decode(SegmentHead(form=form), arrays, [geometry((8, 8), (9, 9))])


@pytest.mark.parametrize("value", [-1, 256, np.nan], ids=str)
def test_refuses_labels_that_are_no_bytes(value):
    ids = np.full((1, 2, 2), value, np.float32)
    with pytest.raises(ShapeError, match=r"must be 0\.\.255"):
        decode(SegmentHead(form="labels"), {"logits": ids}, [geometry((8, 8), (9, 9))])


CRFS = [
    {"kind": "dense", "bilateral_sigma": 12, "color_sigma": 20, "bilateral_weight": 4},
    {"kind": "conv", "filter_size": 5, "blur": 2, "color_sigma": 20},
]


@pytest.mark.parametrize("crf", CRFS, ids=["dense", "conv"])
@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
def test_a_crf_follows_the_colours(rng, crf, resize):
    """Scores know the square only to a few pixels; the picture has its edges."""
    image = np.full((60, 90, 3), (200, 150, 90), np.uint8)
    image[20:44, 31:63] = (40, 60, 120)
    wanted = np.zeros((60, 90), np.uint8)
    wanted[20:44, 31:63] = 1
    preprocess = Preprocessor(Input(size=(40, 60), resize=resize), pixels=True)
    _, (place,) = preprocess.batch([image])
    assert place.pixels.shape == (40, 60, 3)
    inside = np.kron(rng.normal(0, 1.2, (10, 15)), np.ones((4, 4)))
    inside[13:30, 20:43] += 2
    inside -= 1
    logits = np.stack([-inside, inside])[None].astype(np.float32)
    (plain,) = decode(SegmentHead(), {"logits": logits}, [place])
    (refined,) = decode(SegmentHead(crf=crf), {"logits": logits}, [place])
    assert (refined.labels != wanted).mean() < 0.5 * (plain.labels != wanted).mean()
    assert refined.labels.shape == (60, 90)


def test_without_pixels_the_scores_decide(rng):
    logits = rng.normal(size=(1, 3, 8, 12)).astype(np.float32)
    place = geometry((32, 48), (32, 48))
    (plain,) = decode(HEAD, {"logits": logits}, [place])
    (unseen,) = decode(SegmentHead(crf={"kind": "conv"}), {"logits": logits}, [place])
    assert np.array_equal(plain.labels, unseen.labels)
