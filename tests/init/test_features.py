"""Which outputs look like learned features, and which do not."""

import pytest

from edgecv.bundle import Tensor
from edgecv.init.features import guess_keypoints, guess_vector


def tensor(name, *shape):
    return Tensor(name=name, dtype="float32", shape=(1, *shape))


def test_superpoint_is_known_by_its_dustbin():
    found = guess_keypoints((tensor("a", 65, 3, 4), tensor("b", 256, 3, 4)), (24, 32))
    assert found.outputs == {"scores": "a", "descriptors": "b"}
    assert found.values == {"stride": 8, "grid": "superglue"}


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param([(64, 3, 4), (256, 3, 4)], id="no-dustbin"),
        pytest.param([(65, 3, 4), (256, 6, 8)], id="other-cells"),
        pytest.param([(5, 12, 16), (8, 12, 16)], id="small-cells"),
        pytest.param([(65, 3, 4)], id="alone"),
    ],
)
def test_others_are_not(outputs):
    named = tuple(tensor(str(i), *shape) for i, shape in enumerate(outputs))
    assert guess_keypoints(named, (24, 32)) is None


def test_a_vector_is_one_output():
    assert guess_vector((tensor("v", 128),), (32, 32)).outputs == {"descriptor": "v"}
    assert guess_vector((tensor("v", 128, 1, 1),), (32, 32)) is None
