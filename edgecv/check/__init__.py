"""Which nodes TensorRT refuses here, what other flavours are known to do, and the rewrites."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from edgecv.check.builders import Flavour, attempt, flavours
from edgecv.check.nodes import nodes_of, opset, prepared
from edgecv.check.rewrites import OLD_OPSET, RTX, Node, known_rules
from edgecv.check.search import Refused, refused_nodes
from edgecv.errors import EdgecvError, FileError, MachineError, UnsupportedModel, UsageError
from edgecv.graph.adopt import normalise
from edgecv.graph.read import load_graph
from edgecv.pipeline import run_folder
from edgecv.recipe import Build, find_recipe, load_recipe

DEFAULT_TARGETS = Build().targets


def check(
    path: Path,
    *,
    targets: Sequence[str] = (),
    runs: Path = Path("runs"),
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Parse and build a model with every TensorRT flavour here; name what it refuses.

    Args:
        path: An ONNX file, or a recipe (its exported model, or its foreign ONNX file).
        targets: TensorRT-RTX compute capabilities (`sm86`); none: the recipe's default ones.
        runs: Folder the recipe's artifacts live in.
        overrides: `section.key=value` for a recipe.

    Returns:
        `model`, `opset`, `nodes` (how many), `ok`; `flavours` (none where no TensorRT is
        installed), each with `name`, `version`, `targets`, `ok` and `refused` (`node`, `op`,
        `reason`, `rewrite`), or `ok` None and the `problem` that kept its builder from starting;
        `known`, the nodes that TensorRT versions not tried here are known
        to refuse (`node`, `op`, `what`, `refused_by`, `rewrite`).

    Raises:
        FileError: no such file, or not ONNX.
    """
    model_file = _model_file(path, runs, overrides)
    graph = prepared(_upgraded(load_graph(model_file)))
    nodes = nodes_of(graph)
    asked = _targets(targets)
    rows = [_flavour(graph, nodes, flavour, asked) for flavour in flavours()]
    tried = [row["ok"] for row in rows if row["ok"] is not None]
    return {
        "model": str(model_file),
        "opset": opset(graph),
        "nodes": len(nodes),
        "ok": bool(tried) and all(tried),
        "flavours": rows,
        "known": _known(nodes, opset(graph)),
    }


def require_buildable(report: dict[str, Any]) -> None:
    """Raise what a report found.

    Raises:
        UnsupportedModel: a flavour refuses the model; the nodes and rewrites are in the report.
        MachineError: no TensorRT flavour is installed here, so nothing was built.
    """
    if not any(row["ok"] is not None for row in report["flavours"]):
        raise MachineError(
            "no TensorRT flavour builds here, so nothing was tried",
            fix="pip install 'edgecv[rtx]' (it builds without a GPU)",
        )
    for row in report["flavours"]:
        if row["ok"] is False:
            names = [f"{item['op']} {item['node']}".strip() for item in row["refused"]]
            raise UnsupportedModel(
                f"{row['name']} {row['version']} refuses {len(names)} of {report['nodes']} nodes",
                nodes=", ".join(names[:8]) + (" ..." if len(names) > 8 else ""),
                fix="the rewrites above",
            )


def as_text(report: dict[str, Any]) -> str:
    """A report for people."""
    lines = [f"{report['model']}  opset {report['opset']}, {report['nodes']} nodes"]
    for row in report["flavours"]:
        state = "builds" if row["ok"] else f"refuses {len(row['refused'])} nodes"
        state = f"not tried: {row['problem']}" if row["ok"] is None else state
        targets = f" ({', '.join(row['targets'])})" if row["targets"] else ""
        lines.append(f"{row['name']} {row['version']}{targets}: {state}")
        for item in row["refused"]:
            lines += [f"  {item['op']} {item['node']}", f"    reason   {item['reason']}"]
            lines += [f"    rewrite  {item['rewrite']}"] if item["rewrite"] else []
    if report["known"]:
        lines.append("known of flavours that were not tried here:")
    for item in report["known"]:
        lines.append(f"  {' '.join(filter(None, (item['op'], item['node'])))}: {item['what']}")
        lines.append(f"    refused by  {', '.join(item['refused_by'])}")
        lines.append(f"    rewrite     {item['rewrite']}")
    return "\n".join(lines)


def _model_file(path: Path, runs: Path, overrides: Sequence[str]) -> Path:
    if path.suffix == ".onnx":
        return path
    recipe_file = find_recipe(path)
    recipe = load_recipe(recipe_file, overrides)
    if recipe.model is not None:
        return recipe.model.file
    model = run_folder(runs, recipe_file).model
    if not model.is_file():
        raise FileError(
            "the recipe's model was not exported yet", file=model, fix=f"edgecv export {path}"
        )
    return model


def _upgraded(model: onnx.ModelProto) -> onnx.ModelProto:
    """What `edgecv build` would hand to the builder: opset 17 or newer where that is possible."""
    if opset(model) >= 17:
        return model
    try:
        return normalise(model, tool="none")
    except EdgecvError:
        return model  # the builder's words are about the file as it is


def _targets(asked: Sequence[str]) -> tuple[str, ...]:
    targets = tuple(t.strip().lower() for t in asked if t.strip()) or DEFAULT_TARGETS
    for target in targets:
        if not (target.startswith("sm") and target[2:].isdigit()):
            raise UsageError(
                f"target {target!r} is not a compute capability", fix="--target sm86,sm89,sm120"
            )
    return targets


def _flavour(
    graph: onnx.ModelProto, nodes: tuple[Node, ...], flavour: Flavour, targets: tuple[str, ...]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": flavour.name,
        "version": flavour.version,
        "targets": list(targets) if flavour.name == RTX else [],
        "ok": None,
        "problem": "",
        "refused": [],
    }
    try:
        refused = refused_nodes(graph, lambda part: attempt(part, flavour, targets))
    except MachineError as err:
        return {**row, "problem": err.what}
    by_name = {node.name: node for node in nodes}
    rows = [_row(item, by_name.get(item.node)) for item in refused]
    return {**row, "ok": not refused, "refused": rows}


def _row(item: Refused, node: Node | None) -> dict[str, str]:
    rules = known_rules(node) if node else ()
    return {**item._asdict(), "rewrite": rules[0].rewrite if rules else ""}


def _known(nodes: tuple[Node, ...], version: int) -> list[dict[str, Any]]:
    """What the table says of flavours that are not TensorRT-RTX (that one is asked itself)."""
    rows: list[dict[str, Any]] = []
    for node in nodes:
        for rule in known_rules(node):
            others = [name for name in rule.refused_by if name != RTX]
            if others:
                rows.append(_known_row(node.name, node.op, rule.what, others, rule.rewrite))
    if version > 17:
        old = OLD_OPSET
        rows.append(_known_row("", "the graph", old.what, list(old.refused_by), old.rewrite))
    return rows


def _known_row(node: str, op: str, what: str, by: list[str], rewrite: str) -> dict[str, Any]:
    return {"node": node, "op": op, "what": what, "refused_by": by, "rewrite": rewrite}
