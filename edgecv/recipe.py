"""The recipe: one YAML file that says everything about a model, from architecture to report.

One frozen schema, no inheritance between files, unknown keys refused. Values are overridden by
`--set section.key=value` through the same schema. YAML 1.2 (ruamel.yaml, safe loader): `1e-4` is
a number, `no` is a word, and a tag never makes an object.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, PrivateAttr, ValidationError, model_validator

from edgecv.errors import RecipeError, UnknownName
from edgecv.files import sha256_json
from edgecv.head import TASKS, Head
from edgecv.plain_yaml import override, read_mapping
from edgecv.sections import (
    PRECISIONS,
    Arch,
    Backend,
    Bench,
    Build,
    Calibrate,
    Data,
    Evaluate,
    Export,
    ForeignModel,
    Input,
    Method,
    Precision,
    Report,
    Run,
    Section,
    Train,
)

__all__ = [
    "PRECISIONS",
    "Arch",
    "Backend",
    "Bench",
    "Build",
    "Calibrate",
    "Data",
    "Evaluate",
    "Export",
    "ForeignModel",
    "Input",
    "Method",
    "Precision",
    "Recipe",
    "Report",
    "Run",
    "Train",
    "find_recipe",
    "load_recipe",
    "shipped_recipes",
]


_SHAPING = ("arch", "model", "task", "input")
_STAGE_SECTIONS = {  # which sections shape what a stage writes
    "train": (*_SHAPING, "data", "train"),
    "export": (*_SHAPING, "export"),
    "calibrate": (*_SHAPING, "data", "calibrate"),
    "build": (*_SHAPING, "head", "build"),
}
_SHAPELESS = {"train": ("every", "workers")}  # section -> keys that change no result
_PATHS = (("data", "root"), ("model", "file"), ("train", "init"))  # relative to the recipe


class Recipe(Section):
    """One model's whole path. `arch` names a zoo variant, `model` a foreign ONNX file."""

    arch: Arch | None = None
    model: ForeignModel | None = None
    task: str
    input: Input
    data: Data | None = None
    head: Head
    train: Train | None = None
    export: Export = Export()
    calibrate: Calibrate = Calibrate()
    build: Build = Build()
    run: Run = Run()
    evaluate: Evaluate = Evaluate()
    bench: Bench = Bench()
    report: Report = Report()

    _written: dict[str, str] = PrivateAttr(default_factory=dict)  # absolute path -> as written

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if (self.arch is None) == (self.model is None):
            raise ValueError("give either `arch` (a zoo variant) or `model` (an ONNX file)")
        if self.task not in TASKS:
            raise ValueError(f"task: {self.task!r} is not one of {', '.join(TASKS)}")
        if self.head.task != self.task:
            raise ValueError(f"head: kind {self.head.kind} is for task {self.head.task}")
        return self

    def digest(self, stage: str) -> str:
        """Digest of the sections that shape what `stage` (train/export/calibrate/build) writes.

        Paths count as the recipe writes them, so a checkout may move. Values equal to the
        schema's defaults are left out, so a later option does not make every artifact stale;
        hence a default that changes results must never be changed, only a new key added.
        """
        sections = set(_STAGE_SECTIONS[stage])
        dump = self.model_dump(mode="json", include=sections, exclude_defaults=True)
        for section, key in _PATHS:
            if path := (dump.get(section) or {}).get(key):
                dump[section][key] = self._written.get(path, path)
        for section, keys in _SHAPELESS.items():
            for key in keys:
                (dump.get(section) or {}).pop(key, None)
        return sha256_json(dump)


def shipped_recipes() -> dict[str, Path]:
    """Name below recipes/ without suffix (`tiny/centernet`) -> file, of the recipes shipped."""
    package = Path(__file__).resolve().parent
    root = next((r for r in (package / "recipes", package.parent / "recipes") if r.is_dir()), None)
    if root is None:
        return {}
    files = sorted(root.rglob("*.yaml"))
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in files}


def find_recipe(given: Path) -> Path:
    """The recipe file a user means: a path, or the name of a shipped one (`tiny/centernet`).

    Raises:
        UnknownName: neither; the message names the nearest shipped recipes.
    """
    if given.exists():
        return given
    shipped = shipped_recipes()
    name = given.as_posix().removesuffix(".yaml").removeprefix("recipes/")
    if name not in shipped:
        raise UnknownName("recipe", str(given), shipped)
    return shipped[name]


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and apply `section.key=value` overrides.

    Relative paths in the recipe (data.root, model.file, train.init) are resolved against the
    recipe's folder.

    Args:
        path: YAML file.
        overrides: `section.key=value`; the value is read as YAML 1.2.

    Raises:
        FileError: the file is missing or empty.
        RecipeError: it is not YAML, carries a tag, or does not fit the schema.
    """
    data = read_mapping(path)
    for item in overrides:
        override(data, item)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as err:
        raise explain(err, path) from err
    return _resolve_paths(recipe, path.resolve().parent)


def explain(err: ValidationError, path: Path) -> RecipeError:
    """The first problem of what stands in `path`, with the nearest right key."""
    first = err.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    facts: dict[str, object] = {"file": path, "problem": message}
    if where:
        facts["key"] = where
    if first["type"] == "extra_forbidden":
        near = _nearest_key(where)
        facts |= {"nearest": near} if near else {}
    if len(err.errors()) > 1:
        facts["more_problems"] = len(err.errors()) - 1
    return RecipeError("recipe does not fit the schema", **facts)  # type: ignore[arg-type]


def _nearest_key(wrong: str) -> str:
    """The key with its section that comes nearest to `wrong`: by its last word, then as a whole."""
    keys = _all_keys()
    last = wrong.rpartition(".")[2]
    words = difflib.get_close_matches(last, sorted({k.rpartition(".")[2] for k in keys}), n=1)
    same = [key for key in keys if words and key.rpartition(".")[2] == words[0]]
    return max(same, key=lambda key: difflib.SequenceMatcher(None, key, wrong).ratio(), default="")


def _all_keys() -> list[str]:
    """Every key of the schema as `--set` takes it: `train`, `train.steps`, ..."""
    from edgecv.head import HEADS

    sections: dict[str, list[type[BaseModel]]]
    sections = {"arch": [Arch], "model": [ForeignModel], "input": [Input], "data": [Data]}
    sections |= {"train": [Train], "export": [Export], "calibrate": [Calibrate], "build": [Build]}
    sections |= {"run": [Run], "evaluate": [Evaluate], "bench": [Bench], "report": [Report]}
    sections["head"] = [*HEADS.values()]
    inner = {
        f"{name}.{key}" for name, all_ in sections.items() for m in all_ for key in m.model_fields
    }
    return sorted({*Recipe.model_fields, *inner})


def _resolve_paths(recipe: Recipe, folder: Path) -> Recipe:
    changed: dict[str, Any] = {}
    written: dict[str, str] = {}
    for name, key in _PATHS:
        section = getattr(recipe, name)
        given = getattr(section, key) if section else None
        if given is not None:
            full = Path(os.path.normpath(folder / given))
            changed[name] = section.model_copy(update={key: full})
            written[str(full)] = given.as_posix()
    resolved = recipe.model_copy(update=changed)
    resolved._written = written
    return resolved
