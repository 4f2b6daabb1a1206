"""Tool `init`: a foreign ONNX file becomes a recipe, asking only for what the file does not say."""

from __future__ import annotations

import os
from pathlib import Path

from edgecv.errors import UsageError
from edgecv.files import whole_file
from edgecv.graph.read import load_graph
from edgecv.init.answers import Answers, Ask, settle
from edgecv.init.facts import read_facts
from edgecv.init.text import recipe_text
from edgecv.recipe import Recipe, load_recipe

__all__ = ["Answers", "init"]


def init(
    model: Path, answers: Answers | None = None, *, out: Path | None = None, ask: Ask | None = None
) -> tuple[Path, Recipe]:
    """Write a recipe for an ONNX file that edgecv did not export.

    Size, channels, batch and opset are read; task, head, class count and activation are guessed
    from the outputs, class names from the metadata that Ultralytics writes. Comments in the
    recipe say which is which.

    Args:
        model: The ONNX file.
        answers: What the user said already.
        out: The recipe; by default `<model's stem>.yaml` in the current folder. Never overwritten.
        ask: Asks a person (question, proposal) and returns the answer; None: nobody is there.

    Returns:
        The recipe's file, and the recipe as it is read back.

    Raises:
        UsageError: `out` exists, or something is missing and nobody can be asked; the message
            lists the flags.
        FileError, UnsupportedModel, ShapeError: the file is broken, or no vision model.
    """
    out = out or Path(f"{model.stem}.yaml")
    if out.exists():
        raise UsageError(
            "the recipe exists and is not overwritten", file=out, fix="--out OTHER.yaml"
        )
    graph = load_graph(model)
    settled = settle(read_facts(graph), answers or Answers(), ask)
    text = recipe_text(settled, _reference(model, out))
    with whole_file(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
        load_recipe(temporary)
    return out, load_recipe(out)


def _reference(model: Path, out: Path) -> str:
    """The model as the recipe names it: relative where it lies beside or below the recipe."""
    file, folder = model.resolve(), out.resolve().parent
    return os.path.relpath(file, folder) if file.is_relative_to(folder) else str(file)
