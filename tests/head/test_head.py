"""Heads are data: roles, names, nothing else."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from edgecv.head import HEADS, TASKS, Head
from edgecv.head.classify import ClassifyHead
from edgecv.head.detect import CenterNetHead


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_is_in_the_union_with_a_task_and_roles(kind):
    head = HEADS[kind]()
    assert head.kind == kind
    assert head.task in TASKS
    assert head.roles
    assert TypeAdapter(Head).validate_python({"kind": kind}) == head


def test_registry_and_union_name_the_same_heads():
    assert set(get_args(get_args(Head)[0])) == set(HEADS.values())


def test_role_maps_to_the_name_in_the_file():
    head = CenterNetHead(outputs={"heatmap": "hm"})
    assert (head.tensor("heatmap"), head.tensor("size")) == ("hm", "size")


def test_class_without_a_name_is_shown_by_number():
    head = ClassifyHead(names=("cat",))
    assert (head.label(0), head.label(1), head.label(-1)) == ("cat", "1", "-1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"outputs": {"boxes": "x"}}, "unknown role 'boxes'", id="role"),
        pytest.param({"topk": 0}, "greater than or equal to 1", id="topk"),
        pytest.param({"anchors": [1]}, "Extra inputs", id="extra"),
    ],
)
def test_wrong_values_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        ClassifyHead(**values)
