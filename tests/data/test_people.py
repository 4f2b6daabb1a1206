import numpy as np
import pytest

from edgecv.data.people import JOINTS, LIMBS, People, PeopleOptions

PEOPLE = People("val", 30, 0, PeopleOptions())


def test_labels_agree_with_each_other():
    for index in range(30):
        sample = PEOPLE[index]
        assert sample.keypoints.shape == (len(sample.boxes), 17, 3)
        for joints, mask, box in zip(sample.keypoints, sample.masks, sample.boxes, strict=True):
            ys, xs = np.nonzero(mask)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            x, y = joints[joints[:, 2] == 2, :2].astype(int).T
            assert mask[y, x].all()
            assert (joints[joints[:, 2] == 0] == 0).all()
        assert ((sample.semantic > 0) == sample.masks.any(0)).all()


def test_all_three_visibilities_occur():
    marks = np.concatenate([PEOPLE[i].keypoints[:, :, 2].ravel() for i in range(30)])
    share = np.bincount(marks.astype(int), minlength=3) / len(marks)
    assert (share > 0.01).all()
    assert share[2] > 0.6


def test_left_is_the_persons_own_left():
    left, right = JOINTS.index("left_shoulder"), JOINTS.index("right_shoulder")
    for index in range(30):
        for joints in PEOPLE[index].keypoints:
            if joints[0, 2] == 2 and (joints[[left, right], 2] > 0).all():  # the face is seen
                assert joints[left, 0] > joints[right, 0]


def test_limbs_join_sides_of_one_kind():
    for a, b in LIMBS:
        assert JOINTS[a].split("_")[0] == JOINTS[b].split("_")[0]


def test_crowded_pictures_mark_who_is_mostly_hidden():
    crowd = People("train", 20, 0, PeopleOptions(min_people=12, max_people=12, smallest=0.8))
    marked = [crowd[i].crowd for i in range(20)]
    assert 0 < np.concatenate(marked).mean() < 0.8


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="min_people <= max_people"):
        PeopleOptions(min_people=3, max_people=2)
