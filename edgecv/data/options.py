"""Options of the built-in data sets: `data.options` of a recipe, checked by name and range."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from edgecv.errors import RecipeError

Model = TypeVar("Model", bound="Options")


class Options(BaseModel):
    """What every set of options has: unknown names are refused, values are not guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def read_options(kind: type[Model], given: Mapping[str, Any], data_set: str) -> Model:
    """Check `data.options` of a recipe against the options of one data set.

    Args:
        kind: The data set's options.
        given: `recipe.data.options`.
        data_set: Name of the format, for the error.

    Raises:
        RecipeError: an unknown option (the nearest right one is named) or a bad value.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as err:
        first = err.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        facts: dict[str, Any] = {"problem": first["msg"].removeprefix("Value error, ")}
        if name:
            facts["option"] = f"data.options.{name}"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, kind.model_fields, n=1)
            facts["nearest" if near else "known"] = (
                near[0] if near else ", ".join(kind.model_fields)
            )
        raise RecipeError(f"data.options do not fit {data_set}", **facts) from err
