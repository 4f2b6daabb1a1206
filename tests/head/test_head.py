"""Heads are data: roles, names, nothing else."""

from typing import get_args

import pytest
from pydantic import TypeAdapter

from edgecv.head import HEADS, TASKS, Head


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_is_in_the_union_with_a_task_and_roles(kind):
    head = HEADS[kind]()
    assert head.kind == kind
    assert head.task in TASKS
    assert head.roles
    assert TypeAdapter(Head).validate_python({"kind": kind}) == head


def test_registry_and_union_name_the_same_heads():
    assert set(get_args(get_args(Head)[0])) == set(HEADS.values())
