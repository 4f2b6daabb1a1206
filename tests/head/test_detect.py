"""Two detectors' heads: their roles, their defaults, and what has no meaning."""

import pytest
from pydantic import ValidationError

from edgecv.head.detect import CenterNetHead, DenseHead


def test_role_maps_to_the_name_in_the_file():
    head = CenterNetHead(outputs={"heatmap": "hm"})
    assert (head.tensor("heatmap"), head.tensor("size")) == ("hm", "size")


def test_defaults_are_the_papers():
    head = CenterNetHead()
    assert (head.task, head.roles) == ("detect", ("heatmap", "size", "offset"))
    assert (head.stride, head.score, head.max_detections) == (4, 0.3, 100)
    assert (head.activation, head.size_unit) == ("sigmoid", "cell")
    dense = DenseHead()
    assert (dense.task, dense.roles) == ("detect", ("predictions",))
    assert (dense.layout, dense.boxes, dense.activation) == ("channels_first", "cxcywh", "none")
    assert (dense.objectness, dense.multi_label) == (False, True)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        pytest.param(CenterNetHead, {"stride": 0}, "greater than or equal to 1", id="stride"),
        pytest.param(CenterNetHead, {"score": 1.01}, "less than or equal to 1", id="score"),
        pytest.param(CenterNetHead, {"score": float("nan")}, "finite number", id="nan"),
        pytest.param(CenterNetHead, {"max_detections": 0}, "greater than or equal", id="none"),
        pytest.param(CenterNetHead, {"size_unit": "mm"}, "'cell' or 'pixel'", id="unit"),
        pytest.param(CenterNetHead, {"outputs": {"box": "b"}}, "unknown role 'box'", id="role"),
        pytest.param(DenseHead, {"layout": "rows"}, "channels_last", id="layout"),
        pytest.param(DenseHead, {"boxes": "xywh"}, "'cxcywh' or 'xyxy'", id="boxes"),
        pytest.param(DenseHead, {"activation": "softmax"}, "'sigmoid' or 'none'", id="softmax"),
        pytest.param(DenseHead, {"iou": 1.5}, "less than or equal to 1", id="iou"),
    ],
)
def test_what_has_no_meaning_is_refused(kind, values, message):
    with pytest.raises(ValidationError, match=message):
        kind(**values)
