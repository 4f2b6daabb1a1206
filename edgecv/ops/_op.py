"""One op, several providers: module `edgecv/ops/<name>/<provider>.py`, function `<name>`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from edgecv.errors import MachineError, MissingPackage

SUFFIX = {"float32": "_f32", "float16": "_f16"}  # of a kernel's name, by the dtype it reads
_DISTRIBUTIONS = {"cv2": "opencv-python-headless"}


@dataclass(frozen=True)
class Op:
    """An op's name, its providers, and how far they may disagree; tests read the two numbers.

    Attributes:
        name: Package below `edgecv.ops`, and the function in each provider's module.
        atol: Largest |cuda - cpu| allowed, in units of the output.
        share: Largest fraction of elements that may differ at all.
        providers: Modules that implement it today.
    """

    name: str
    atol: float
    share: float
    providers: tuple[str, ...] = ("cpu",)

    @cache  # noqa: B019  (ops are module constants: the cache holds nothing that could die)
    def on(self, provider: str) -> Callable[..., Any]:
        """The function of one provider; nothing else is imported.

        Raises:
            MachineError: there is no such provider.
            MissingPackage: a package it needs is not installed.
        """
        if provider not in self.providers:
            raise MachineError(
                f"{self.name} has no provider {provider!r}",
                known=", ".join(self.providers),
                fix="provider='cpu'",
            )
        try:
            module = import_module(f"edgecv.ops.{self.name}.{provider}")
        except ImportError as err:
            package = _DISTRIBUTIONS.get(err.name or "", err.name or "unknown")
            raise MissingPackage(package, provider, needed_for=f"the op {self.name}") from err
        function: Callable[..., Any] = getattr(module, self.name)
        return function
