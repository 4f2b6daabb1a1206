import contextlib
import io

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.metrics import COCO_IOUS, AveragePrecision, image_weights, match_image
from edgecv.metrics.matching import Boxes


def random_image(rng, *, crowds=True):
    """Truth, and detections that are the truth shaken, dropped, mislabelled and made up."""
    count = int(rng.integers(0, 6))
    corner = rng.uniform(0, 80, (count, 2))
    truth = np.concatenate([corner, corner + rng.uniform(5, 40, (count, 2))], 1)
    ids = rng.integers(0, 3, count)
    crowd = (rng.random(count) < 0.15) & crowds
    shaken = np.concatenate([truth + rng.normal(0, 2.5, truth.shape)] * 2)
    extra = rng.uniform(0, 60, (4, 2))
    found = np.concatenate([shaken, np.concatenate([extra, extra + 30], 1)])
    labels = np.concatenate([ids, ids, rng.integers(0, 3, 4)])
    labels = np.where(rng.random(len(labels)) < 0.1, rng.integers(0, 3, len(labels)), labels)
    scores = np.round(rng.random(len(labels)), 1)  # rounded, so that there are ties
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
    return Boxes(found, labels, scores), Boxes(truth, ids, crowd=crowd)


def coco_says(images):
    """pycocotools' precision array as (T, C) average precision, -1 -> nan."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def xywh(box):
        return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]

    truth, found = [], []
    for number, (detections, objects) in enumerate(images):
        for box, label, crowd in zip(objects.xyxy, objects.ids, objects.crowd, strict=True):
            side = xywh(box)
            truth.append(
                {
                    "id": len(truth) + 1,
                    "image_id": number,
                    "category_id": int(label),
                    "bbox": side,
                    "area": side[2] * side[3],
                    "iscrowd": int(crowd),
                }
            )
        rows = zip(detections.xyxy, detections.ids, detections.scores, strict=True)
        found += [
            {"image_id": number, "category_id": int(i), "bbox": xywh(b), "score": float(s)}
            for b, i, s in rows
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        base = coco.COCO()
        base.dataset = {
            "info": {},
            "images": [{"id": n} for n in range(len(images))],
            "annotations": truth,
            "categories": [{"id": c, "name": str(c)} for c in range(3)],
        }
        base.createIndex()
        run = evaluation.COCOeval(base, base.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, 2]  # T, R, C at area "all", 100 detections
    return np.where(precision.max(1) < 0, np.nan, precision.mean(1))


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_pycocotools(seed):
    rng = np.random.default_rng(seed)
    images = [random_image(rng) for _ in range(25)]
    ours = AveragePrecision([match_image(*image) for image in images], 3).per_class()
    np.testing.assert_allclose(ours, coco_says(images), atol=1e-9)


def hand_worked():
    """Class 0: objects in images 0 and 1; found at scores .9 (right), .8 (wrong), .7 (right)."""
    box, away = [0, 0, 10, 10], [50, 50, 60, 60]
    first = Boxes(np.array([box, away]), np.array([0, 0]), np.array([0.9, 0.8]))
    second = Boxes(np.array([box]), np.array([0]), np.array([0.7]))
    truth = Boxes(np.array([box]), np.array([0]))
    return [match_image(first, truth), match_image(second, truth)]


def test_by_hand():
    """Precision 1 up to recall 0.5 (51 of 101 points), then 2/3 (50 points)."""
    score = AveragePrecision(hand_worked(), 2)
    expected = (51 * 1 + 50 * 2 / 3) / 101
    assert score.per_class()[0, 0] == pytest.approx(expected)
    assert np.isnan(score.per_class()[:, 1]).all()  # no object of class 1: left out
    assert score.value() == pytest.approx([expected] * len(COCO_IOUS))


def test_weights_are_copies_of_images():
    rng = np.random.default_rng(5)
    images = [random_image(rng) for _ in range(12)]
    # distinct scores: copies of an image tie with themselves only
    matches = [
        match_image(found._replace(scores=found.scores + rng.random(len(found.ids)) / 100), truth)
        for found, truth in images
    ]
    weights = image_weights(12, 5, seed=2)
    resampled = AveragePrecision(matches, 3).resampled(weights)
    for row, weight in zip(resampled, weights, strict=True):
        copies = [m for m, w in zip(matches, weight, strict=True) for _ in range(int(w))]
        np.testing.assert_allclose(row, AveragePrecision(copies, 3).value(), atol=0.02)


def test_unit_weights_give_the_value():
    rng = np.random.default_rng(6)
    score = AveragePrecision([match_image(*random_image(rng)) for _ in range(9)], 3)
    np.testing.assert_allclose(score.resampled(np.ones((1, 9)))[0], score.value())


def test_nothing_found_is_zero_and_nothing_there_is_undefined():
    nothing = Boxes(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))
    one = Boxes(np.array([[0, 0, 5, 5]]), np.array([0]))
    assert AveragePrecision([match_image(nothing, one)], 1).value().tolist() == [0.0] * 10
    empty = Boxes(np.zeros((0, 4)), np.zeros(0, int))
    assert np.isnan(AveragePrecision([match_image(nothing, empty)], 1).value()).all()


def test_bad_input_is_refused():
    with pytest.raises(ShapeError, match="at least one image"):
        AveragePrecision([], 3)
    with pytest.raises(ShapeError, match=r"outside 0\.\.classes-1"):
        AveragePrecision(hand_worked(), 0)
    with pytest.raises(ShapeError, match="weights must be"):
        AveragePrecision(hand_worked(), 1).resampled(np.ones((2, 5)))
