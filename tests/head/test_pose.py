"""Heads of pose networks: published skeletons, own ones, and what is refused."""

import pytest
from pydantic import ValidationError

from edgecv.data.figure import JOINTS
from edgecv.head.pose import COCO17, COCO18, SKELETONS, HeatmapHead, IntegralHead, PafHead


def test_published_skeletons_fit_together():
    assert COCO17.joints == JOINTS
    assert [len(s.joints) for s in SKELETONS.values()] == [17, 18]
    for skeleton in SKELETONS.values():
        assert len(set(skeleton.joints)) == len(skeleton.joints)
        assert {k for pair in skeleton.limbs for k in pair} == set(range(len(skeleton.joints)))
        channels = [channel for pair in skeleton.fields for channel in pair]
        assert sorted(channels) == list(range(2 * len(skeleton.limbs)))
        assert len(skeleton.limbs) == 19
        # the limbs that begin people hang together: each touches a part that was reached before
        reached = set(skeleton.limbs[0])
        for pair in skeleton.limbs[1:]:
            assert reached & set(pair)
            reached |= set(pair)


def test_coco18_is_openposes_numbering():
    named = [(COCO18.joints[a], COCO18.joints[b]) for a, b in COCO18.limbs]
    assert named[0] == ("neck", "right_shoulder")
    assert named[12] == ("neck", "nose")
    assert named[-1] == ("left_shoulder", "left_ear")
    assert COCO18.fields[0] == (12, 13)


def test_own_skeletons():
    head = HeatmapHead(skeleton="own", names=("tip", "tail"), edges=((0, 1),))
    assert (head.joints, head.lines) == (("tip", "tail"), ((0, 1),))
    assert IntegralHead(skeleton="own").joints == ()
    paf = PafHead(skeleton="own", names=("a", "b", "c"), limbs=((0, 1), (1, 2)), closing=1)
    assert paf.anatomy.fields == ((0, 1), (2, 3))
    assert paf.lines == ((0, 1),)
    assert PafHead().anatomy == COCO18
    assert len(PafHead().lines) == 17
    assert HeatmapHead().lines == COCO17.limbs


def test_names_may_be_translated():
    names = tuple(f"joint {i}" for i in range(17))
    assert HeatmapHead(names=names).joints == names


@pytest.mark.parametrize(
    ("head", "values", "message"),
    [
        pytest.param(HeatmapHead, {"edges": [(0, 1)]}, "only with skeleton: own", id="edges"),
        pytest.param(HeatmapHead, {"names": ["a"]}, "has 17 joints", id="names"),
        pytest.param(
            HeatmapHead,
            {"skeleton": "own", "names": ["a"], "edges": [(0, 1)]},
            "not a pair of joint",
            id="edge",
        ),
        pytest.param(HeatmapHead, {"blur": 4}, "must be odd", id="blur"),
        pytest.param(PafHead, {"limbs": [(0, 1)]}, "only with skeleton: own", id="limbs"),
        pytest.param(PafHead, {"skeleton": "own"}, "names and limbs", id="own"),
        pytest.param(
            PafHead,
            {"skeleton": "own", "names": ["a", "b"], "limbs": [(0, 2)]},
            "not a joint's",
            id="limb",
        ),
        pytest.param(
            PafHead,
            {"skeleton": "own", "names": ["a", "b"], "limbs": [(0, 1)], "fields": [(0, 1)] * 2},
            "one pair of channels",
            id="fields",
        ),
        pytest.param(
            PafHead,
            {"skeleton": "own", "names": ["a", "b"], "limbs": [(0, 1)], "closing": 2},
            "must fit the limbs",
            id="closing",
        ),
    ],
)
def test_wrong_values_are_refused(head, values, message):
    with pytest.raises(ValidationError, match=message):
        head(**values)
