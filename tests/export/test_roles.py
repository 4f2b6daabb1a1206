"""Outputs are held to the head's roles and to its class names."""

from __future__ import annotations

import pytest

from edgecv.bundle import Tensor
from edgecv.errors import RecipeError
from edgecv.export.roles import check_roles, class_count
from edgecv.head import (
    AnchorsHead,
    CenterNetHead,
    ClassifyHead,
    DenseHead,
    SegmentHead,
    TwoStageHead,
    YolactHead,
    YoloV1Head,
    YoloV3Head,
)
from edgecv.recipe import Recipe


def recipe_of(head):
    data = {"model": {"file": "m.onnx"}, "input": {"size": [8, 8]}}
    return Recipe.model_validate({**data, "task": head.task, "head": head.model_dump()})


def outputs(**shapes):
    return [Tensor(name=name, shape=s, dtype="float32") for name, s in shapes.items()]


COUNTS = [
    pytest.param(ClassifyHead(), (1, 10), 10, id="classify"),
    pytest.param(ClassifyHead(), (10,), -1, id="no-batch"),
    pytest.param(ClassifyHead(), (1, -1), -1, id="not-said"),
    pytest.param(CenterNetHead(), (1, 3, 16, 16), 3, id="centernet"),
    pytest.param(DenseHead(), (1, 84, 8400), 80, id="dense-first"),
    pytest.param(DenseHead(layout="channels_last"), (1, 8400, 84), 80, id="dense-last"),
    pytest.param(
        DenseHead(layout="channels_last", objectness=True), (1, 25200, 85), 80, id="objectness"
    ),
    pytest.param(DenseHead(objectness=True), (1, 5, 8400), -1, id="only-objectness"),
    pytest.param(AnchorsHead(), (1, 76725, 80), 80, id="anchors"),
    pytest.param(AnchorsHead(activation="softmax"), (1, 8732, 21), 20, id="with-background"),
    pytest.param(AnchorsHead(activation="softmax"), (1, 8732, 1), -1, id="background-alone"),
    pytest.param(YoloV1Head(), (1, 1470), 20, id="yolo-v1"),
    pytest.param(YoloV1Head(), (1, 7, 7, 30), 20, id="yolo-v1-cells"),
    pytest.param(YoloV3Head(), (1, 255, 13, 13), 80, id="yolo-v3"),
    pytest.param(YoloV3Head(layout="channels_last"), (1, 3, 13, 13, 85), 80, id="yolo-v5"),
    pytest.param(YoloV3Head(), (1, -1, 13, 13), -1, id="yolo-not-said"),
    pytest.param(DenseHead(), (1, 4, 8400), -1, id="only-boxes"),
    pytest.param(DenseHead(), (84, 8400), -1, id="dense-without-batch"),
    pytest.param(SegmentHead(), (1, 21, 65, 65), 21, id="segment"),
    pytest.param(SegmentHead(), (1, 1, 65, 65), 2, id="segment-binary"),
    pytest.param(SegmentHead(form="labels"), (1, 1, 65, 65), -1, id="segment-labels"),
    pytest.param(YolactHead(), (1, 19248, 81), 80, id="yolact"),
    pytest.param(TwoStageHead(), (1, 3, 200, 200), -1, id="two-stage"),
]


@pytest.mark.parametrize(("head", "shape", "count"), COUNTS)
def test_classes_are_counted_where_the_shape_says_them(head, shape, count):
    assert class_count(head, shape) == count


def test_every_role_needs_its_output():
    maps = {"hm": (1, 2, 8, 8), "size": (1, 2, 8, 8), "offset": (1, 2, 8, 8), "more": (1,)}
    recipe = recipe_of(CenterNetHead(outputs={"heatmap": "hm"}, names=("a", "b")))
    check_roles(recipe, outputs(**maps))
    del maps["offset"]
    with pytest.raises(
        RecipeError,
        match=r"plays the role 'offset'\n  expected output: offset\n"
        r"  graph outputs: hm, size, more\n  fix: head: \{outputs: \{offset: NAME\}\}",
    ):
        check_roles(recipe, outputs(**maps))


def test_class_names_must_fit_where_the_graph_says_how_many():
    recipe = recipe_of(ClassifyHead(names=("a", "b")))
    check_roles(recipe, outputs(logits=(1, 2)))
    check_roles(recipe, outputs(logits=(1, -1)))
    check_roles(recipe_of(ClassifyHead()), outputs(logits=(1, 9)))  # no names, nothing to hold
    with pytest.raises(RecipeError, match=r"names: 2\n  graph classes: 3\n  output: logits"):
        check_roles(recipe, outputs(logits=(1, 3)))
