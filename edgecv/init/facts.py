"""What an ONNX file says about itself."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgecv.bundle import Tensor
from edgecv.graph.adopt import adopt, image_input
from edgecv.graph.read import opset, tensors
from edgecv.sections import MAX_SIDE

_LONGEST = 1 << 18  # characters of a metadata value; COCO's 80 names take 1,200
_PASSING = ("Identity", "Reshape", "Flatten", "Squeeze", "Transpose", "Cast", "Concat", "Slice")
_DEPTH = 6  # nodes walked back from an output


@dataclass(frozen=True)
class Facts:
    """Read from the file, nothing guessed.

    Attributes:
        graph: The model.
        input: Name of the image input.
        batch: Its fixed batch; 0 if any is taken.
        channels: 1 or 3.
        size: (height, width); 0 where the file leaves it open.
        opset: Version of the standard operators.
        names: Class names from the metadata.
        ultralytics: Whether that exporter wrote the file, whose preprocessing is known.
        task: Task the metadata names; empty if none.
    """

    graph: Any
    input: str
    batch: int
    channels: int
    size: tuple[int, int]
    opset: int
    names: tuple[str, ...]
    ultralytics: bool
    task: str


def read_facts(graph: Any) -> Facts:
    """Read what `graph` (`graph.read.load_graph`) says.

    Raises:
        UnsupportedModel: it has no single image input.
    """
    value = image_input(graph)
    item = next(item for item in tensors(graph)[0] if item.name == value.name)
    sides = [max(side, 0) for side in item.shape]
    notes = {entry.key: entry.value for entry in graph.metadata_props}
    size = (sides[2], sides[3])
    if not all(size):
        size = _written_size(notes) or size
    return Facts(
        graph=graph,
        input=item.name,
        batch=sides[0],
        channels=sides[1],
        size=size,
        opset=opset(graph),
        names=_names(notes.get("names", "")),
        ultralytics="ultralytics" in notes.get("author", "").lower(),
        task=notes.get("task", "") if notes.get("task") in ("classify", "detect") else "",
    )


def outputs(facts: Facts, size: tuple[int, int]) -> tuple[Tensor, ...]:
    """The outputs of one image of `size`, every side known: the graph is adopted and run.

    Raises:
        UnsupportedModel, ShapeError, GateFailed: it cannot be adopted.
    """
    fixed = facts.batch or 1
    model = adopt(facts.graph, batch=(fixed,) * 3, input_size=size, tool="none")
    return tensors(model)[1]


def last_operators(facts: Facts, output: str) -> set[str]:
    """Types of the operators that last gave `output` its values, past those that only move them."""
    producers = {name: node for node in facts.graph.graph.node for name in node.output}
    found: set[str] = set()
    reach = [output]
    for _ in range(_DEPTH):
        nodes = [producers[name] for name in reach if name in producers]
        found |= {node.op_type for node in nodes if node.op_type not in _PASSING}
        reach = [name for node in nodes if node.op_type in _PASSING for name in node.input]
    return found


def _names(text: str) -> tuple[str, ...]:
    """Class names as Ultralytics writes them ({0: 'person', 1: …}), or a list; else none."""
    value = _literal(text)
    if isinstance(value, Mapping):
        if sorted(value, key=repr) != sorted(range(len(value)), key=repr):
            return ()
        value = [value[i] for i in range(len(value))]
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    return ()


def _written_size(notes: Mapping[str, str]) -> tuple[int, int] | None:
    value = _literal(notes.get("imgsz", ""))
    if isinstance(value, list | tuple) and len(value) == 2:
        height, width = value
        whole = type(height) is int and type(width) is int
        if whole and min(height, width) > 0 and max(height, width) <= MAX_SIDE:
            return height, width
    return None


def _literal(text: str) -> object:
    """A Python literal, evaluated without running anything; None if it is none."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
