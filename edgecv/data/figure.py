"""A drawn person: the posture of COCO's 17 joints, and the picture of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecv.images import opencv

Array = npt.NDArray[Any]

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16))

# Lengths as shares of standing height, after Drillis and Contini's body segment figures, rounded.
_HEAD, _NECK, _TORSO = 0.065, 0.11, 0.30
_SHOULDER, _HIP = 0.12, 0.075  # half widths
_UPPER_ARM, _FOREARM, _THIGH, _SHIN = 0.18, 0.15, 0.24, 0.23
_THICK = {"arm": 0.045, "leg": 0.065}


def posture(height: float, middle: Array, rng: np.random.Generator) -> tuple[Array, bool]:
    """Random places of the joints of one person.

    Args:
        height: Standing height in pixels.
        middle: (2,) x, y of the middle between shoulders and hips.
        rng: Where the randomness comes from.

    Returns:
        (17, 3) float32 x, y, visibility (2; 1 for the face of a person seen from behind), and
        whether the person faces the viewer. Left is the person's own left.
    """
    draw = 2 * rng.random(12) - 1
    facing = bool(draw[0] > -0.4)
    left = 1.0 if facing else -1.0  # the person's left is at the viewer's right when facing
    lean = 0.25 * draw[1]
    up, across = _turned(lean), _turned(lean + np.pi / 2)  # of the torso
    shoulders = middle + up * (_TORSO / 2 * height)
    hips = middle - up * (_TORSO / 2 * height)
    out = np.zeros((len(JOINTS), 3), np.float32)
    head = shoulders + _turned(lean + 0.2 * draw[2]) * (_NECK * height)
    _face(out, head, height, left, 0.5 * draw[3])
    for side, (sign, first) in enumerate(((left, 0), (-left, 1))):
        arm, bend, leg, knee = draw[4 + 4 * side : 8 + 4 * side]
        shoulder = shoulders + across * (sign * _SHOULDER * height)
        hip = hips + across * (sign * _HIP * height)
        swing = np.pi - sign * (0.7 + 0.9 * arm)
        elbow = shoulder + _turned(swing) * (_UPPER_ARM * height)
        wrist = elbow + _turned(swing - sign * 1.2 * (0.4 + 0.6 * bend)) * (_FOREARM * height)
        step = np.pi - sign * (0.15 + 0.3 * leg)
        knee_at = hip + _turned(step) * (_THIGH * height)
        ankle = knee_at + _turned(step + sign * 0.4 * abs(knee)) * (_SHIN * height)
        for joint, at in zip(
            (5, 7, 9, 11, 13, 15), (shoulder, elbow, wrist, hip, knee_at, ankle), strict=True
        ):
            out[joint + first, :2] = at
    out[:, 2] = 2
    if not facing:
        out[:3, 2] = 1  # nose and eyes
    return out, facing


def _turned(angle: float) -> Array:
    """The unit vector `angle` radians clockwise from straight up (y grows downwards)."""
    return np.array([np.sin(angle), -np.cos(angle)])


def _face(out: Array, head: Array, height: float, left: float, look: float) -> None:
    """Nose, eyes and ears about the head's centre; `look` turns the face sideways."""
    radius = _HEAD * height
    sideways = np.array([radius, 0.0])
    down = np.array([0.0, radius])
    out[0, :2] = head + look * sideways + 0.15 * down
    for joint, sign in ((1, left), (2, -left)):
        out[joint, :2] = head + (look + 0.35 * sign) * sideways - 0.15 * down
        out[joint + 2, :2] = head + 0.85 * sign * sideways


def draw_figure(
    image: Array, joints: Array, height: float, facing: bool, rng: np.random.Generator
) -> Array:
    """Draw one person into `image` ((H, W, 3) uint8 BGR, in place).

    Args:
        image: The picture.
        joints: (17, 3) from `posture`.
        height: Standing height in pixels.
        facing: Whether eyes and nose are drawn.
        rng: Colours of skin, shirt and trousers.

    Returns:
        (H, W) bool, the pixels of the person.
    """
    cv2 = opencv()
    skin, shirt, trousers = (tuple(map(int, c)) for c in _colours(rng))
    mask = np.zeros(image.shape[:2], np.uint8)
    at = [tuple(map(int, np.floor(p))) for p in joints[:, :2]]
    arm, leg = (max(2, round(share * height)) for share in _THICK.values())
    torso = np.array([at[5], at[6], at[12], at[11]], np.int32)
    for canvas, paint in ((image, None), (mask, 1)):

        def colour(own: Any, paint: Any = paint) -> Any:
            return own if paint is None else paint

        for a, b in LIMBS[4:]:
            cv2.line(canvas, at[a], at[b], colour(trousers), leg)
        cv2.fillConvexPoly(canvas, torso, colour(shirt))
        cv2.polylines(canvas, [torso], True, colour(shirt), arm)
        for i, (a, b) in enumerate(LIMBS[:4]):
            cv2.line(canvas, at[a], at[b], colour(skin if i % 2 else shirt), arm)
        head = tuple(map(int, joints[3:5, :2].mean(0)))
        neck = tuple(map(int, joints[5:7, :2].mean(0)))
        cv2.line(canvas, head, neck, colour(skin), arm)
        radius = max(2, round(_HEAD * height))
        cv2.ellipse(canvas, head, (radius, round(1.25 * radius)), 0, 0, 360, colour(skin), -1)
        if facing:
            dot = max(1, round(0.15 * radius))
            for joint in range(3):
                cv2.circle(canvas, at[joint], dot, colour((20, 20, 40)), -1)
    return mask.astype(np.bool_)


def _colours(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """BGR of skin, shirt and trousers."""
    tone = 0.35 + 0.65 * rng.random()
    skin = np.array([140.0, 170.0, 225.0]) * tone
    return skin, rng.integers(0, 256, 3), rng.integers(0, 256, 3)
