"""A foreign ONNX file enters here: it gets a run folder, a recipe and the normal form."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgecv.build.head_fit import HeadMisfit
from edgecv.errors import RecipeError, UnknownName, UsageError
from edgecv.files import read_json, read_text, sha256_file, write_json, write_text
from edgecv.head import HEADS, TASKS
from edgecv.pipeline import RunFolder
from edgecv.plain_yaml import override
from edgecv.progress import note
from edgecv.recipe import Recipe, load_recipe

RECIPE = "recipe.yaml"
LASTING = ("head.", "input.")  # sections whose overrides say what the file is
HEAD_OF_TASK = {"classify": "classify", "detect": "", "segment": "segment"}  # detect: several


def adopt_foreign(
    model: Path,
    run: RunFolder,
    answers: Mapping[str, Any],
    overrides: Sequence[str] = (),
) -> Recipe:
    """Make `run` ready to build from a foreign ONNX file.

    Writes `recipe.yaml` (what was asked, what was read), `model.onnx` (normal form) and
    `export.json` there; a model.onnx made from the same file by the same recipe is kept. What an
    earlier call was told about the same file need not be told again; that goes for overrides of
    the head and input sections too, since `calibrate` and the next build read them there.

    Args:
        model: The ONNX file.
        run: Its run folder.
        answers: `task`, `head` (a kind), and keys of the recipe's input section; None is left out.
        overrides: `section.key=value`, as in --set.

    Returns:
        The recipe.

    Raises:
        UsageError: the task or head is not given, or roles cannot be matched to outputs.
        FileError, UnsupportedModel, ShapeError: the file is broken, or no vision model.
        RecipeError: an answer does not fit the schema.
    """
    from edgecv.graph.adopt import adopt
    from edgecv.graph.read import load_graph, save_graph, tensors

    graph = load_graph(model)
    source = sha256_file(model)
    known = _known(run, source)
    inputs, outputs = tensors(graph)
    lasting = [item for item in overrides if item.strip().startswith(LASTING)]
    if known is not None and not lasting and not any(answers.values()):
        recipe, text = load_recipe(run.path / RECIPE, overrides), ""
    else:
        names = [tensor.name for tensor in outputs]
        if any(item.startswith("head.outputs") for item in lasting):
            names = []
        given = {key: value for key, value in answers.items() if value}
        merged = {**_answers(known, given), **given}
        draft = _draft(model, merged, inputs[0].shape, names, known)
        for item in lasting:
            override(draft, item)
        text = json.dumps(draft, indent=2) + "\n"  # JSON is YAML 1.2
        recipe = _load(text, overrides)
    _require_channels(recipe, inputs[0].shape)
    record = {"recipe_digest": recipe.digest("export"), "source_digest": source}
    if not _adopted(run, record):
        note(f"adopting {model.name}")
        normal = adopt(graph, batch=recipe.export.batches, input_size=recipe.input.size)
        save_graph(normal, run.model)
        write_json(run.export_json, {**record, "model_digest": sha256_file(run.model)})
    if text:
        write_text(run.path / RECIPE, text)
    return recipe


@contextmanager
def forgotten_if_unfit(run: RunFolder) -> Iterator[None]:
    """What a foreign file was called is not remembered if its outputs turn out not to fit that."""
    path = run.path / RECIPE
    before = read_text(path, "recipe") if path.is_file() else ""
    try:
        yield
    except HeadMisfit:
        if before:
            write_text(path, before)
        else:
            for file in (path, run.export_json, run.model):
                file.unlink(missing_ok=True)
            with suppress(OSError):  # bundles of another file are there
                run.path.rmdir()
        raise


def _load(text: str, overrides: Sequence[str]) -> Recipe:
    with tempfile.TemporaryDirectory(prefix="edgecv-build-") as folder:
        try:
            return load_recipe(write_text(Path(folder) / RECIPE, text), overrides)
        except RecipeError as err:  # about a file the user never saw
            facts = {name: fact for name, fact in err.facts.items() if name != "file"}
            what = "the options make no recipe" if "file" in err.facts else err.what
            raise RecipeError(what, fix=err.fix, **facts) from err


def _require_channels(recipe: Recipe, shape: tuple[int, ...]) -> None:
    if len(shape) == 4 and shape[1] > 0 and shape[1] != recipe.input.channels:
        raise UsageError(
            "the colour does not fit the graph's input",
            color=recipe.input.color,
            its_channels=recipe.input.channels,
            graph_channels=shape[1],
            fix="--color gray has one channel, rgb and bgr three",
        )


def _known(run: RunFolder, source: str) -> Recipe | None:
    """The recipe of an earlier build from the same file."""
    if not ((run.path / RECIPE).is_file() and run.export_json.is_file()):
        return None
    made = read_json(run.export_json, "export record")
    same = isinstance(made, dict) and made.get("source_digest") == source
    return load_recipe(run.path / RECIPE) if same else None


def _answers(known: Recipe | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """What an earlier build was told and `given` does not change: it need not be told again."""
    if known is None:
        return {}
    told = known.input.model_dump(mode="json", exclude_defaults=True)
    if not ("head" in given or given.get("task", known.task) != known.task):
        told |= {"task": known.task, "head": known.head.kind}
    return told


def _adopted(run: RunFolder, record: dict[str, str]) -> bool:
    if not (run.model.is_file() and run.export_json.is_file()):
        return False
    made = read_json(run.export_json, "export record")
    return isinstance(made, dict) and made == {**record, "model_digest": sha256_file(run.model)}


def _draft(
    model: Path,
    answers: Mapping[str, Any],
    shape: tuple[int, ...],
    outputs: list[str],
    known: Recipe | None,
) -> dict[str, Any]:
    given = {key: value for key, value in answers.items() if value not in (None, "", ())}
    task, kind = _task_and_head(given.pop("task", ""), given.pop("head", ""))
    head: dict[str, Any] = {"kind": kind}
    if known is not None and known.head.kind == kind:
        head |= known.head.model_dump(mode="json", exclude_defaults=True)
    if not head.get("outputs"):
        head["outputs"] = _roles(kind, outputs)
    if names := given.pop("names", None):
        head["names"] = list(names)
    if "size" not in given:
        if len(shape) != 4 or min(shape[2:]) < 1:
            raise UsageError(
                "the ONNX file leaves its input size open", shape=shape, fix="add --size 224x224"
            )
        given["size"] = list(shape[2:])
    if "size" in HEADS[kind].model_fields:
        head["size"] = list(given["size"])
    if len(shape) == 4 and shape[1] == 1:
        given = {"color": "gray", "mean": [0.0], "std": [255.0], **given}
    return {"model": {"file": str(model.resolve())}, "task": task, "input": given, "head": head}


def _task_and_head(task: str, kind: str) -> tuple[str, str]:
    if not task and kind in HEADS:
        task = HEADS[kind].task
    if task not in TASKS:
        if task:
            raise UnknownName("task", task, TASKS)
        raise UsageError(
            "a foreign ONNX file does not say what it is for",
            fix="add --task classify, or --task detect --head dense, or: edgecv init MODEL.onnx",
        )
    kind = kind or HEAD_OF_TASK.get(task, "")
    if not kind:
        fitting = ", ".join(name for name, head in HEADS.items() if head.task == task)
        raise UsageError(f"task {task} needs a named head", heads=fitting, fix="add --head NAME")
    if kind not in HEADS:
        raise UnknownName("head", kind, HEADS)
    if HEADS[kind].task != task:
        raise UsageError(f"head {kind} is for task {HEADS[kind].task}", task=task)
    return task, kind


def _roles(kind: str, outputs: list[str]) -> dict[str, str]:
    """Role -> output: by name where the names are the roles, alone where there is one of each.

    No `outputs`: the user says it by --set head.outputs.
    """
    roles = HEADS[kind].roles
    if not outputs or all(role in outputs for role in roles):
        return {}
    if len(roles) == 1 and len(outputs) == 1:
        return {roles[0]: outputs[0]}
    raise UsageError(
        f"which output plays which role of head {kind} cannot be read from the file",
        roles=", ".join(roles),
        outputs=", ".join(outputs),
        fix=f"--set head.outputs={{{roles[0]}: {outputs[0]}, …}}",
    )
