"""The part of a foreign library's message that a person needs."""

from __future__ import annotations

_LONGEST = 400  # characters; onnxruntime quotes whole graphs


def reason(err: BaseException) -> str:
    """The first line of an error's text; its type where it has none."""
    lines = str(err).strip().splitlines() or [type(err).__name__]
    return lines[0][:_LONGEST]
