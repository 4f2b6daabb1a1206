"""Plain YAML 1.2: the part of the language a recipe needs, and nothing that surprises or attacks.

ruamel.yaml's safe loader: `1e-4` is a number, `no` is a word. Aliases, tags and directives are
refused before anything is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.errors import RecipeError
from edgecv.files import read_text

_MAX_BYTES = 1 << 18  # a recipe is a page of text; anything larger is a mistake or an attack
_MAX_DEPTH = 20  # the schema nests 4 deep; the scanner's time grows with the square of the depth


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a recipe file as nested dictionaries.

    Raises:
        FileError: the file is missing, empty, not text, or larger than a recipe can be.
        RecipeError: it is not plain YAML 1.2, or no mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    text = read_text(path, "recipe", limit_bytes=_MAX_BYTES)
    try:
        _refuse_tricks(text, f"recipe {path}")
        data = YAML(typ="safe", pure=True).load(text)
    except RecipeError:
        raise
    except (YAMLError, ValueError, RecursionError) as err:
        mark = getattr(err, "problem_mark", None)
        where = {"line": mark.line + 1} if mark else {}
        problem = getattr(err, "problem", None) or str(err).splitlines()[0]
        raise RecipeError(
            "recipe is not plain YAML 1.2", file=path, problem=problem, **where
        ) from err
    if not isinstance(data, dict):
        raise RecipeError("recipe must be a mapping of sections", file=path)
    return data


def _refuse_tricks(text: str, where: str) -> None:
    """Refuse the parts of YAML no recipe needs, token by token, before anything is built.

    Aliases expand without bound, tags name Python types, a `%YAML 1.1` line turns `no` into
    false, and nesting costs the square of its depth.
    """
    from ruamel.yaml import YAML, tokens

    banned = {
        tokens.AliasToken: "uses a YAML alias (*name)",
        tokens.TagToken: "uses a YAML tag (!name)",
        tokens.DirectiveToken: "uses a YAML directive (%NAME)",
    }
    opening = (
        tokens.FlowSequenceStartToken,
        tokens.FlowMappingStartToken,
        tokens.BlockSequenceStartToken,
        tokens.BlockMappingStartToken,
    )
    closing = (tokens.FlowSequenceEndToken, tokens.FlowMappingEndToken, tokens.BlockEndToken)
    depth = 0
    for token in YAML(typ="safe", pure=True).scan(text):
        depth += isinstance(token, opening) - isinstance(token, closing)
        problem = banned.get(type(token), "is nested too deeply" if depth > _MAX_DEPTH else "")
        if problem:
            raise RecipeError(f"{where} {problem}", line=token.start_mark.line + 1)


def override(data: dict[str, Any], item: str) -> None:
    """Set one value in place.

    Args:
        data: What `read_mapping` returned.
        item: `section.key=value`; the value is read as YAML 1.2.

    Raises:
        RecipeError: it has another form, or names a section where a value is.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    key, equals, text = item.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise RecipeError(f"--set {item!r} must be section.key=value")
    try:
        _refuse_tricks(text, f"--set {key.strip()}")
        value = YAML(typ="safe", pure=True).load(text) if text.strip() else ""
    except RecipeError:
        raise
    except (YAMLError, ValueError, RecursionError) as err:
        raise RecipeError(f"--set {item!r}: the value is not YAML") from err
    place = data
    for part in parts[:-1]:
        inner = place.setdefault(part, {})
        if inner is None:
            inner = place[part] = {}
        if not isinstance(inner, dict):
            raise RecipeError(f"--set {item!r}: {part} is not a section")
        place = inner
    place[parts[-1]] = value
