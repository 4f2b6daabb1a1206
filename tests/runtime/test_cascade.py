"""People by one model, joints by another: crops, their mapping back, capacity."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgecv.errors import UnsupportedModel
from edgecv.results import Detections, Keypoints
from edgecv.runtime.cascade import CropRule, TopDown, crop
from edgecv.runtime.preprocess import Nv12

PAD = 7


class Detector:
    """Always the same boxes."""

    bundle = SimpleNamespace(manifest=SimpleNamespace(task="detect"))

    def __init__(self, boxes, scores, ids=None, overflow=0):
        self.boxes, self.scores = np.float32(boxes).reshape(-1, 4), np.float32(scores)
        self.ids = np.zeros(len(self.boxes), np.int64) if ids is None else np.array(ids)
        self.overflow = overflow

    def __call__(self, image):
        size = image.shape[:2]
        return Detections(self.boxes, self.scores, self.ids, (), size, self.overflow)


class Pose:
    """One joint at the brightest pixel of the crop, one that is never found."""

    bundle = SimpleNamespace(manifest=SimpleNamespace(task="pose"))
    head = SimpleNamespace(kind="heatmap")
    preprocess = SimpleNamespace(spec=SimpleNamespace(size=(40, 30), pad=PAD))

    def __init__(self):
        self.crops = []

    def results(self, crops):
        self.crops += crops
        found = []
        for each in crops:
            y, x = np.unravel_index(each[:, :, 0].argmax(), each.shape[:2])
            joints = np.float32([[[x + 0.5, y + 0.5, 0.8], [0, 0, 0]]])
            names = ("tip", "tail")
            found.append(Keypoints(joints, np.float32([0.8]), names, ((0, 1),), each.shape[:2]))
        return found


def picture_with(*points):
    image = np.zeros((100, 120, 3), np.uint8)
    for i, (x, y) in enumerate(points):
        image[y, x] = 200 - i
    return image


def test_joints_come_back_in_the_picture():
    people = Detector([[20, 30, 40, 70], [80, 10, 100, 50]], [0.9, 0.6])
    pose = Pose()
    found = TopDown(people, pose)(picture_with((25, 60), (95, 20)))
    assert found.joints[:, 0].tolist() == [
        [25.5, 60.5, pytest.approx(0.8)],
        [95.5, 20.5, pytest.approx(0.8)],
    ]
    assert not found.joints[:, 1].any()  # not found stays at zero
    np.testing.assert_allclose(found.scores, [0.72, 0.48], rtol=1e-6)
    assert found.boxes.tolist() == people.boxes.tolist()
    assert (found.names, found.edges) == (("tip", "tail"), ((0, 1),))
    assert [each.shape[:2] for each in pose.crops] == [(50, 38), (50, 38)]  # 40 x 1.25 high


def test_a_wide_box_gets_the_networks_shape():
    pose = Pose()
    TopDown(Detector([[30, 40, 90, 50]], [0.9]), pose, CropRule(margin=1.0))(picture_with((50, 45)))
    height, width = pose.crops[0].shape[:2]
    assert (height, width) == (80, 60)


def test_beyond_the_picture_is_padding():
    pose = Pose()
    found = TopDown(Detector([[0, 0, 20, 40]], [0.9]), pose)(picture_with((3, 2)))
    (part,) = pose.crops
    assert (part[:4] == PAD).all()
    assert (part[:, :8] == PAD).all()
    assert found.joints[0, 0, :2].tolist() == [3.5, 2.5]


def test_the_best_get_a_crop_and_the_others_are_counted():
    boxes = [[10 * i, 10, 10 * i + 8, 30] for i in range(6)]
    people = Detector(boxes, [0.9, 0.8, 0.7, 0.6, 0.5, 0.2], ids=[0, 1, 0, 0, 0, 0], overflow=2)
    found = TopDown(people, Pose(), CropRule(most=2))(picture_with((5, 5)))
    assert found.boxes.tolist() == [boxes[0], boxes[2]]
    assert found.overflow == 2 + 2  # two more people above the score, and the detector's own


def test_nobody():
    found = TopDown(Detector(np.zeros((0, 4)), []), Pose())(picture_with((5, 5)))
    assert len(found) == 0
    assert found.image_size == (100, 120)


def test_crop_inside_shares_memory():
    image = picture_with((5, 5))
    part, corner = crop(image, np.array([4, 4, 10, 9]), PAD)
    assert np.shares_memory(part, image)
    assert (part.shape, corner) == ((5, 6, 3), (4, 4))
    far, _ = crop(image, np.array([300, 300, 310, 305]), PAD)
    assert (far == PAD).all()


def test_refuses_models_that_do_not_fit():
    people = Detector([[0, 0, 1, 1]], [0.9])
    with pytest.raises(UnsupportedModel, match="must come from a detector"):
        TopDown(Pose(), Pose())
    other = Pose()
    other.head = SimpleNamespace(kind="paf")
    with pytest.raises(UnsupportedModel, match="pose network of single people"):
        TopDown(people, other)
    nv12 = Nv12(np.zeros((8, 8), np.uint8), np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(UnsupportedModel, match="not of NV12"):
        TopDown(people, Pose())(nv12)
