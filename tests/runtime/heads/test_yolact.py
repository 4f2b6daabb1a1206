"""YOLACT by hand: boxes, coefficients, masks; anchors of the published network."""

import numpy as np
import pytest

from edgecv.errors import ShapeError
from edgecv.head import YolactHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime.heads import decode
from edgecv.runtime.heads.yolact import anchors, candidates
from edgecv.runtime.preprocess import Geometry

SIZE = 64
PLAIN = [Geometry((SIZE, SIZE), Fit(0, 0, SIZE, SIZE), (SIZE, SIZE))]
PIXELS = {"boxes": "cxcywh", "activation": "none"}


def tensors(rows, scores, coefficients):
    """Prototypes of 16 x 16: 0 is 1 on the left half and -1 on the right, 1 the same upwards."""
    half = np.where(np.arange(16) < 8, 1, -1) + np.zeros((16, 16))
    return {
        "boxes": np.float32([rows]),
        "scores": np.float32([scores]),
        "coefficients": np.float32([coefficients]),
        "prototypes": np.float32([[half, half.T]]),
    }


ROWS = [[32, 32, 32, 32], [32, 33, 32, 32], [10, 10, 8, 8]]
SCORES = [[0.6, 0], [0.9, 0], [0, 0.5]]
WEIGHTS = [[0, 0], [9, 0], [0, -9]]


def test_by_hand():
    (found,) = decode(YolactHead(**PIXELS), tensors(ROWS, SCORES, WEIGHTS), PLAIN)
    assert found.boxes.tolist() == [[16, 17, 48, 49], [6, 6, 14, 14]]
    assert found.ids.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([0.9, 0.5])
    left, none = found.masks()
    assert left[17:49, 16:31].all()
    assert not left[:, 33:].any()
    assert not left[:17].any()
    assert not none.any()


def test_masks_lie_right_in_a_letterboxed_picture():
    wide = Geometry((96, 192), Fit(16, 0, 32, 64), (SIZE, SIZE))  # a third of its size
    (found,) = decode(YolactHead(**PIXELS), tensors(ROWS[1:2], SCORES[1:2], [[0, 9]]), [wide])
    assert found.boxes.tolist() == [[48, 3, 144, 96]]
    mask = found.mask(0)  # the upper half of the input ends at picture row (32 - 16) * 3
    assert mask[4:46, 49:143].all()
    assert not mask[50:].any()


def test_logits_with_a_background(rng):
    """The shortcut that skips rows equals a softmax of all of them."""
    scores = rng.normal(0, 3, (300, 4)).astype(np.float32)
    boxes = rng.uniform(5, 50, (300, 4)).astype(np.float32)
    head = YolactHead(boxes="xyxy", score=0.2)
    anchor, found = candidates(head, boxes, scores, PLAIN[0])
    share = np.exp(scores.astype(float))
    share = (share / share.sum(1, keepdims=True))[:, 1:]
    wanted = sorted(zip(*np.nonzero(share >= 0.2), strict=True), key=lambda at: -share[at])
    assert list(zip(anchor.tolist(), found.ids.tolist(), strict=True)) == wanted
    np.testing.assert_allclose(found.scores, [share[at] for at in wanted], rtol=1e-5)
    for score, count in ((0.0, 900), (1.0, 0)):
        assert (
            len(candidates(head.model_copy(update={"score": score}), boxes, scores, PLAIN[0])[0])
            == count
        )


def test_sigmoids_and_channels_last():
    given = tensors(ROWS, np.log([[0.6, 1e-9], [0.9, 1e-9], [1e-9, 0.5]]) * 1.0, WEIGHTS)
    odds = np.array([[0.6, 1e-9], [0.9, 1e-9], [1e-9, 0.5]])
    given["scores"] = np.float32([np.log(odds / (1 - odds))])
    given["prototypes"] = given["prototypes"].transpose(0, 2, 3, 1)
    head = YolactHead(boxes="cxcywh", activation="sigmoid", channels_last=True)
    (found,) = decode(head, given, PLAIN)
    assert found.scores.tolist() == pytest.approx([0.9, 0.5])
    assert found.mask(0)[20:40, 16:31].all()


def test_deltas_move_anchors():
    head = YolactHead(strides=(32,), anchors=(20,), ratios=(1.0,), activation="none")
    rows = np.zeros((4, 4))
    rows[3] = [5, -2.5, 5 * np.log(2), 0]
    scores = [[0]] * 3 + [[0.8]]
    (found,) = decode(head, tensors(rows, scores, [[0, 0]] * 4), PLAIN)
    np.testing.assert_allclose(found.boxes, [[38, 33, 64, 53]], atol=1e-4)  # clipped at 64
    with pytest.raises(ShapeError, match="its anchors are not the network's"):
        decode(head, tensors(rows[1:], scores[1:], [[0, 0]] * 3), PLAIN)


def test_anchors_of_the_published_network():
    head = YolactHead()
    found = anchors(head.strides, head.anchors, head.ratios, head.square_anchors, (550, 550))
    assert len(found) == 19248
    size = found[:, 2:] - found[:, :2]
    np.testing.assert_allclose(
        size[:3], [[24, 24]] + [[s, s] for s in 24 * np.sqrt([0.5, 2])], rtol=1e-5
    )
    np.testing.assert_allclose((found[0, :2] + found[0, 2:]) / 2, 550 / 69 / 2, rtol=1e-5)


def test_fast_suppression_keeps_fewer():
    rows = [[32, 20 + 6 * i, 20, 20] for i in range(3)]
    given = tensors(rows, [[0.9], [0.8], [0.7]], [[1, 0]] * 3)
    hard = YolactHead(**PIXELS, iou=0.4)
    assert len(decode(hard, given, PLAIN)[0]) == 2
    assert len(decode(hard.model_copy(update={"nms": "fast"}), given, PLAIN)[0]) == 1


def test_nothing_above_the_score():
    (found,) = decode(YolactHead(**PIXELS, score=0.95), tensors(ROWS, SCORES, WEIGHTS), PLAIN)
    assert len(found) == 0
    assert found.masks().shape == (0, SIZE, SIZE)


def test_refuses_other_coefficients():
    given = tensors(ROWS, SCORES, [[1, 2, 3]] * 3)
    with pytest.raises(ShapeError, match="as many coefficients as prototypes"):
        decode(YolactHead(**PIXELS), given, PLAIN)
