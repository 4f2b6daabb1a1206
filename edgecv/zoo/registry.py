"""Every architecture by name. Importing this imports no network; asking for one does."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from edgecv.errors import MissingPackage, UnknownName, UsageError

if TYPE_CHECKING:
    from torch import nn

TASK_PACKAGES = ("classify", "detect")
GROUP = "edgecv.zoo"  # entry points by which other packages bring architectures of their own


class Row(Protocol):
    """What every row of a `VARIANTS` table carries beside its own columns."""

    @property
    def params(self) -> int:
        """Parameter count with default arguments, as published where it is published."""

    @property
    def recipe(self) -> str:
        """The shipped recipe that trains this architecture (`classify/resnet18`)."""


class VariantInfo(NamedTuple):
    """What the zoo knows of a variant without building it."""

    task: str
    paper: str
    params: int
    module: str
    recipe: str


_infos: dict[str, VariantInfo] = {}
_builders: dict[str, tuple[type, Row]] = {}
_Net = TypeVar("_Net", bound=type)


def register(*, task: str, paper: str, variants: Mapping[str, Row]) -> Callable[[_Net], _Net]:
    """Class decorator: enter `variants` (name -> row) as buildable by the class.

    The class is called as `Net(row, **arguments)`.

    Raises:
        ValueError: a name is taken; two papers cannot share one.
    """

    def enter(net: _Net) -> _Net:
        for name, row in variants.items():
            if name in _infos:
                raise ValueError(
                    f"zoo: {name!r} of {net.__module__} is taken by {_infos[name].module}"
                )
            _infos[name] = VariantInfo(task, paper, row.params, net.__module__, row.recipe)
            _builders[name] = (net, row)
        return net

    return enter


def variants() -> dict[str, VariantInfo]:
    """Every variant by name, sorted by task and name.

    Raises:
        MissingPackage: torch is not installed.
    """
    _import_architectures()
    return dict(sorted(_infos.items(), key=lambda item: (item[1].task, item[0])))


def create(name: str, **arguments: Any) -> nn.Module:
    """Build a variant with fresh weights.

    Args:
        name: A name of `variants()`.
        **arguments: Constructor arguments of the architecture (`classes=10`).

    Returns:
        A module whose `forward((N, 3, H, W) float32)` is a dict of the head's raw tensors.

    Raises:
        UnknownName: no such variant, or no such argument.
        UsageError: an argument has the wrong type or is not positive.
        MissingPackage: torch is not installed.
    """
    _import_architectures()
    if name not in _builders:
        raise UnknownName("architecture", name, _infos, fix="edgecv zoo lists them")
    net, row = _builders[name]
    _check_arguments(name, net, arguments)
    module: nn.Module = net(row, **arguments)
    return module


def class_keys(name: str, arguments: Mapping[str, Any]) -> frozenset[str]:
    """State-dict keys whose shape follows the number of classes: what fine-tuning learns anew.

    Args:
        name: A name of `variants()`.
        arguments: As for `create`.

    Raises:
        UnknownName, UsageError, MissingPackage: as `create`.
    """
    import torch

    shapes = []
    with torch.device("meta"):
        for classes in (2, 3):
            state = create(name, **{**arguments, "classes": classes}).state_dict()
            shapes.append({key: value.shape for key, value in state.items()})
    return frozenset(key for key in shapes[0] if shapes[0][key] != shapes[1][key])


@cache
def _import_architectures() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as err:
        raise MissingPackage("torch", "train", needed_for="the zoo") from err
    for task in TASK_PACKAGES:
        package = import_module(f"edgecv.zoo.{task}")
        for found in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{found.name}")
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as err:  # another package's code may fail in any way
            raise UsageError(
                "a package that brings architectures cannot be imported",
                entry_point=f"{point.name} = {point.value}",
                reason=f"{type(err).__name__}: {err}",
                fix="mend it, or pip uninstall it",
            ) from err


def _check_arguments(name: str, net: type, arguments: Mapping[str, object]) -> None:
    """Arguments come from a recipe: hold them to the constructor's names and default types."""
    parameters = list(inspect.signature(net).parameters.values())[1:]
    defaults = {parameter.name: parameter.default for parameter in parameters}
    for key, value in arguments.items():
        if key not in defaults:
            raise UnknownName(f"argument of {name}", key, defaults)
        wanted = type(defaults[key])
        if type(value) is not wanted:
            raise UsageError(
                f"{name}: argument {key} must be {wanted.__name__}",
                got=f"{value!r} ({type(value).__name__})",
            )
        if wanted is int and not int(str(value)) > 0:
            raise UsageError(f"{name}: argument {key} must be positive", got=value)
