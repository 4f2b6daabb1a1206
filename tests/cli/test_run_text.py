"""What `edgecv run` says of a picture, whatever the kind of its result."""

import numpy as np
import pytest

from edgecv.cli.run import _text
from edgecv.results import Classes, Keypoints, SegmentationMap

ROW = {"source": "a.png", "frame": 0, "ms": {"pre": 1.0}}
LABELS = np.uint8([[0, 0, 0, 2]])
RESULTS = [
    pytest.param(
        SegmentationMap(LABELS, ("sky", "sea", "cat"), (1, 4)), "sky 0.75, cat 0.25", id="map"
    ),
    pytest.param(
        Classes(np.int64([1]), np.float32([0.5]), ("a", "b"), (4, 4)), "b 0.50", id="classes"
    ),
    pytest.param(
        Keypoints(np.ones((1, 1, 3), np.float32), np.float32([1]), (), (), (4, 4)),
        "person 1.00",
        id="people",
    ),
]


@pytest.mark.parametrize(("result", "text"), RESULTS)
def test_every_kind_of_result_has_a_line(result, text, capsys):
    _text({**ROW, "result": result.to_dict()})
    assert text in capsys.readouterr().out
