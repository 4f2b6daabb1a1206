"""Calibration tables: the range of every activation, and what they were measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edgecv.errors import FileError, StaleError
from edgecv.files import read_json, write_json
from edgecv.recipe import Method


class Range(BaseModel):
    """What was seen of one tensor.

    Attributes:
        amax: The clipping threshold chosen by the method; the int8 scale is amax / 127.
        low: Smallest value seen.
        high: Largest value seen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    amax: float
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.amax < 0 or self.low > self.high:
            raise ValueError("amax must be >= 0, and low <= high")
        return self


class Ranges(BaseModel):
    """A calibration table (`ranges.json`).

    Attributes:
        tensors: ONNX tensor name -> its range. Names are those of the model with `model_digest`.
        method: How `amax` was chosen.
        images: Number of images seen.
        model_digest: sha256 of the model.onnx that was measured.
        data_digest: sha256 over the calibration images, in order, as the network saw them.
        recipe_digest: `Recipe.digest("calibrate")`, empty for a foreign model without a recipe.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    method: Method
    images: int = Field(ge=1)
    model_digest: str
    data_digest: str
    recipe_digest: str = ""
    tensors: dict[str, Range]

    def save(self, path: Path) -> Path:
        """Write the table, whole or not at all."""
        return write_json(path, self.model_dump(mode="json"))

    def require_fresh(self, model_digest: str, path: Path, fix: str) -> None:
        """Refuse a table that was measured on another model.

        Raises:
            StaleError: the digests differ; `fix` is the command that renews the table.
        """
        if self.model_digest != model_digest:
            raise StaleError(
                "calibration table was measured on another model",
                table=path,
                measured_on=self.model_digest[:12],
                model=model_digest[:12],
                fix=fix,
            )


def load_ranges(path: Path) -> Ranges:
    """Read a calibration table.

    Raises:
        FileError: the file is missing, empty, not JSON, or not a calibration table.
    """
    try:
        return Ranges.model_validate(read_json(path, "calibration table"))
    except ValidationError as err:
        first = err.errors()[0]
        raise FileError(
            "calibration table does not fit its schema",
            file=path,
            key=".".join(map(str, first["loc"])),
            problem=first["msg"],
            fix="edgecv calibrate RECIPE",
        ) from err
