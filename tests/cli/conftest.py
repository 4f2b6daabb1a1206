"""Verbs are tested with a stage that only notes what it was asked; the stages test themselves.

That no verb's help loads anything heavy is one test for all, in tests/test_architecture.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from edgecv import progress
from edgecv.cli.app import app


class Stage:
    """Stands for a stage's function: a call must fit the real one's signature.

    Attributes:
        asked: Arguments of each call by name, defaults left out.
        quiet: Whether progress was off, of each call.
    """

    def __init__(self, real: Callable[..., Any], answer: Any) -> None:
        self._signature, self._answer = inspect.signature(real), answer
        self.asked: list[dict[str, Any]] = []
        self.quiet: list[bool] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(dict(self._signature.bind(*args, **kwargs).arguments))
        self.quiet.append(progress._quiet)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], Stage]:
    """`stage("edgecv.bench:bench", answer)`: replaced; it returns `answer`, or raises it."""

    def replace(place: str, answer: Any) -> Stage:
        module, _, name = place.partition(":")
        fake = Stage(getattr(import_module(module), name), answer)
        monkeypatch.setattr(import_module(module), name, fake)
        return fake

    return replace


@pytest.fixture
def edgecv() -> Callable[..., Result]:
    """`edgecv("bench", bundle, "--json")`: the command, in this process."""

    def edgecv(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return edgecv
