"""What every head has: class names, and which output tensor plays which role."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class HeadSchema(BaseModel):
    """What every head has.

    Attributes:
        names: Class names; index = class id. Empty: classes are shown by number.
        outputs: Role of a raw tensor -> the name it has in the ONNX file; roles left out have
            the role's own name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    roles: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[tuple[str, ...]] = ()  # engines of its own a bundle holds below parts/
    task: ClassVar[str] = ""

    names: tuple[str, ...] = ()
    outputs: dict[str, str] = {}

    @model_validator(mode="after")
    def _roles_are_known(self) -> HeadSchema:
        unknown = sorted(set(self.outputs) - set(self.roles))
        if unknown:
            raise ValueError(
                f"outputs: unknown role {unknown[0]!r}; roles are {', '.join(self.roles)}"
            )
        return self

    def tensor(self, role: str) -> str:
        """The ONNX output name that plays `role`."""
        return self.outputs.get(role, role)

    def label(self, index: int) -> str:
        """The name of class `index`, or its number as text."""
        return self.names[index] if 0 <= index < len(self.names) else str(index)

    @property
    def sees_pixels(self) -> bool:
        """Whether decoding needs what the network saw: `Geometry.pixels`."""
        return False
