import numpy as np
import pytest

from edgecv.data.figure import JOINTS, draw_figure, posture


def length(joints, a, b):
    one, two = joints[JOINTS.index(a), :2], joints[JOINTS.index(b), :2]
    return float(np.linalg.norm(one - two))


def test_limbs_have_their_lengths_in_every_posture(rng):
    for _ in range(20):
        joints, _ = posture(200.0, np.array([150.0, 120.0]), rng)
        for side in ("left", "right"):
            assert length(joints, f"{side}_hip", f"{side}_knee") == pytest.approx(48, abs=0.1)
            assert length(joints, f"{side}_knee", f"{side}_ankle") == pytest.approx(46, abs=0.1)
            assert length(joints, f"{side}_shoulder", f"{side}_elbow") == pytest.approx(36, abs=0.1)
        assert length(joints, "left_shoulder", "right_shoulder") == pytest.approx(48, abs=0.1)


def test_seen_from_behind_the_face_is_hidden(rng):
    facings = set()
    for _ in range(40):
        joints, facing = posture(200.0, np.array([150.0, 120.0]), rng)
        facings.add(facing)
        assert (joints[:3, 2] == (2 if facing else 1)).all()
        assert (joints[3:, 2] == 2).all()
    assert facings == {True, False}


def test_the_mask_is_what_was_drawn(rng):
    joints, facing = posture(200.0, np.array([150.0, 140.0]), rng)
    image = np.full((300, 300, 3), (1, 2, 3), np.uint8)
    mask = draw_figure(image, joints, 200.0, facing, rng)
    changed = (image != (1, 2, 3)).any(2)
    assert np.array_equal(mask, changed)
    assert 2000 < mask.sum() < 30000
