"""What paf refuses, whoever computes it."""

import numpy as np
import pytest

from edgecv.errors import ShapeError, UsageError
from edgecv.head.pose import COCO18
from edgecv.ops.paf import Grouping, paf

COCO = Grouping(COCO18.limbs, COCO18.fields, COCO18.closing)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        pytest.param({"joints": 20}, ShapeError, "fewer heatmaps", id="maps"),
        pytest.param({"fields": np.zeros((4, 8, 8), "f4")}, ShapeError, "channels", id="channels"),
        pytest.param({"fields": np.zeros((38, 8, 9), "f4")}, ShapeError, "as large", id="size"),
        pytest.param({"heatmaps": np.zeros((18, 8, 8))}, ShapeError, "float32", id="dtype"),
        pytest.param({"peak": 0.0}, UsageError, "peak must be", id="peak"),
        pytest.param({"max_people": 1000}, UsageError, "1 to 128 people", id="people"),
        pytest.param({"limbs": ((0, 0),) * 19}, UsageError, "two of the joints", id="limb"),
        pytest.param({"limbs": ()}, UsageError, "at most", id="no limbs"),
    ],
)
def test_wrong_arguments_are_refused(changes, error, message):
    given = {
        "heatmaps": np.zeros((18, 8, 8), np.float32),
        "fields": np.zeros((38, 8, 8), np.float32),
        "joints": 18,
    }
    given |= {key: changes[key] for key in changes.keys() & given.keys()}
    grouping = COCO._replace(**{k: v for k, v in changes.items() if k not in given})
    with pytest.raises(error, match=message):
        paf(given["heatmaps"], given["fields"], given["joints"], grouping)
