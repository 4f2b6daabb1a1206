import numpy as np
import pytest

from edgecv.data import Sample
from edgecv.errors import FileError
from edgecv.evaluate.scores import ClassifyJudge, DetectJudge
from edgecv.results import Classes, Detections

IMAGE = np.zeros((20, 20, 3), np.uint8)
NAMES = ("a", "b")


def classes(*ids):
    scores = np.linspace(0.9, 0.1, len(ids)).astype(np.float32)
    return Classes(np.array(ids, np.int64), scores, NAMES, (20, 20))


def detections(boxes, ids, scores):
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(
        xyxy, np.array(scores, np.float32), np.array(ids, np.int64), NAMES, (20, 20), overflow=3
    )


def truth(boxes, ids):
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return Sample(image=IMAGE, id="x", boxes=xyxy, ids=np.array(ids, np.int64))


def test_class_ids_of_the_data_are_mapped_to_the_models():
    judge = ClassifyJudge(NAMES, np.array([1, 0]))
    judge.add(classes(1, 0), Sample(image=IMAGE, id="x", label=0))
    judge.add(classes(1, 0), Sample(image=IMAGE, id="y", label=1))
    score = judge.score(np.array([[2.0, 0.0], [1.0, 1.0]]))
    assert score.values == {"top-1": 0.5, "top-5": 1.0}
    assert score.resampled.tolist() == [[1.0, 1.0], [0.5, 1.0]]
    assert score.details["confusion"] == [[0, 1], [0, 1]]


def test_a_class_never_shown_has_no_recall():
    judge = ClassifyJudge(NAMES, np.arange(2))
    judge.add(classes(0), Sample(image=IMAGE, id="x", label=0))
    rows = judge.score(np.ones((1, 1))).details["per_class"]
    assert [row["recall"] for row in rows] == [1.0, None]


def test_a_picture_without_a_class_is_refused():
    with pytest.raises(FileError, match="picture without a class"):
        ClassifyJudge(NAMES, np.arange(2)).add(classes(0), truth([], []))


def test_detections_are_judged_per_class():
    judge = DetectJudge(NAMES, np.arange(2))
    box, away = [2, 2, 9, 9], [12, 12, 18, 18]
    judge.add(detections([box, away], [0, 1], [0.9, 0.8]), truth([box, box], [0, 1]))
    judge.add(detections([], [], []), truth([], []))
    score = judge.score(np.ones((1, 2)))
    assert [row["ap50"] for row in score.details["per_class"]] == [1.0, 0.0]
    assert score.values == {"mAP@0.5": 0.5, "mAP@0.5:0.95": 0.5}
    assert score.details["candidates_dropped"] == 6


def test_no_object_anywhere_is_refused():
    judge = DetectJudge(NAMES, np.arange(2))
    judge.add(detections([], [], []), truth([], []))
    with pytest.raises(FileError, match="have no objects"):
        judge.score(np.ones((1, 1)))
