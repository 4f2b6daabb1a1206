"""What every head has."""

import pytest
from pydantic import ValidationError

from edgecv.head.schema import HeadSchema


class _Head(HeadSchema):
    roles = ("scores",)


def test_a_role_has_its_own_name_unless_the_file_has_another():
    assert _Head().tensor("scores") == "scores"
    assert _Head(outputs={"scores": "out.7"}).tensor("scores") == "out.7"


def test_an_unknown_role_is_refused_with_the_known_ones():
    with pytest.raises(ValidationError, match="unknown role 'boxes'; roles are scores"):
        _Head(outputs={"boxes": "out.7"})
