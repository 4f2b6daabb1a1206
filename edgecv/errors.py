"""Every error a user can cause. Anything else that escapes is a bug in edgecv (exit 1).

The text of an error is: the rule that broke, the facts that show it (units in their names), and
`fix:` followed by a command or an edit. Exit codes: 2 wrong usage, recipe, file or shape;
3 this machine lacks something; 4 a gate failed; 5 reading or writing failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EdgecvError(Exception):
    """Say what went wrong, the facts that show it, and what to do next.

    Args:
        what: One sentence naming the thing and the rule it broke.
        fix: The command or edit that would solve it.
        facts: Values the reader needs; printed one per line, units in the name.
    """

    exit_code = 1

    def __init__(self, what: str, *, fix: str = "", **facts: object) -> None:
        """Compose the message; `facts` stay readable as an attribute."""
        lines = [what, *(f"  {name.replace('_', ' ')}: {value}" for name, value in facts.items())]
        if fix:
            lines.append(f"  fix: {fix}")
        super().__init__("\n".join(lines))
        self.what, self.fix, self.facts = what, fix, facts


class UsageError(EdgecvError, ValueError):
    """Arguments that contradict each other or name nothing edgecv knows."""

    exit_code = 2


class RecipeError(EdgecvError, ValueError):
    """A recipe is missing a key, has an unknown one, or contradicts itself."""

    exit_code = 2


class FileError(EdgecvError, ValueError):
    """A file is missing, empty, truncated, hostile, or not what its name says."""

    exit_code = 2


class StaleError(EdgecvError, ValueError):
    """An artifact was made from something else than what it would now be used with."""

    exit_code = 2


class ShapeError(EdgecvError, ValueError):
    """An array has the wrong rank, size or dtype for what it was given to."""

    exit_code = 2


class UnsupportedModel(EdgecvError, ValueError):
    """A graph holds something the chosen engine cannot parse or build."""

    exit_code = 2


class UnknownName(EdgecvError, LookupError):
    """A name that is not in a registry; the message carries the nearest right ones."""

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str], *, fix: str = "") -> None:
        """Name the registry (`kind`), the unknown `name`, and what is `known` there."""
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        facts = {"nearest": ", ".join(near)} if near else {"known": ", ".join(known)}
        super().__init__(f"unknown {kind} {name!r}", fix=fix, **facts)


class MissingPackage(EdgecvError, ImportError):
    """A Python package of an optional extra is not installed."""

    exit_code = 3

    def __init__(self, package: str, extra: str, *, needed_for: str) -> None:
        """Say which `package` is missing, what it is `needed_for`, and its `extra`."""
        super().__init__(
            f"{needed_for} needs the package {package}, which is not installed",
            fix=f"pip install 'edgecv[{extra}]'",
        )


class MachineError(EdgecvError, RuntimeError):
    """This machine lacks something: a driver, a device, TensorRT, a codec."""

    exit_code = 3


class EngineMismatch(MachineError):
    """An engine was built by another version or for another device than is here."""


class GateFailed(EdgecvError, RuntimeError):
    """Parity, an accuracy budget or a self-test did not hold; what was measured is written."""

    exit_code = 4


class IoFailed(EdgecvError, OSError):
    """Reading or writing failed midway: disk full, permission, a source that broke off."""

    exit_code = 5
