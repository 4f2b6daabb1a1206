"""The recipe as text, with a comment where something was read or guessed."""

from __future__ import annotations

import json
from typing import Any

from edgecv.head import HEADS
from edgecv.init.answers import Settled


def recipe_text(settled: Settled, model: str) -> str:
    """YAML 1.2 for `recipe.load_recipe`; `model` is the ONNX file as the recipe names it."""
    facts = settled.facts
    task = HEADS[settled.head.kind].task
    batch = facts.batch or 1
    rows: list[tuple[str, str]] = [
        (f"# Written by `edgecv init`. Read from the file: opset {facts.opset}.", ""),
        (f"model: {{file: {_word(model)}}}", ""),
        (f"task: {task}", ""),
        ("", ""),
        (f"input:  # preprocessing: {settled.preprocessing}", ""),
        (f"  size: {list(settled.size)}", _size_note(settled)),
        (f"  color: {settled.color}", "one channel" if facts.channels == 1 else ""),
        (f"  mean: {list(settled.mean)}", "0..255, in the order of `color`"),
        (f"  std: {list(settled.std)}", ""),
        (f"  resize: {settled.resize}", ""),
        ("", ""),
        *_head_rows(settled),
        ("", ""),
        (f"export: {{batch: {batch}}}", _batch_note(facts.batch)),
        ("", ""),
        ("# For calibration and accuracy, add your pictures (docs/own-model.md):", ""),
        ("# data: {format: imagefolder, root: pictures}", ""),
    ]
    return "\n".join(f"{line}  # {note}" if note else line for line, note in rows) + "\n"


def _head_rows(settled: Settled) -> list[tuple[str, str]]:
    head = settled.head
    rows = [("head:", ""), (f"  kind: {head.kind}", head.why.get("kind", ""))]
    mapped = {role: name for role, name in head.outputs.items() if role != name}
    if mapped:
        pairs = ", ".join(f"{role}: {_word(name)}" for role, name in mapped.items())
        rows.append((f"  outputs: {{{pairs}}}", head.why.get("outputs", "")))
    for key, value in head.values.items():
        rows.append((f"  {key}: {value}", head.why.get(key, "")))
    if settled.names:
        names = ", ".join(_word(name) for name in settled.names)
        rows.append((f"  names: [{names}]", ""))
    elif HEADS[head.kind].task not in ("pose", "features"):
        many = f"{head.classes} classes," if head.classes else "classes are"
        rows.append((f"  # names: [...]  # {many} shown by number until named", ""))
    return rows


def _size_note(settled: Settled) -> str:
    read = settled.facts.size == settled.size
    return "height, width: read from the file" if read else "height, width: the file leaves it open"


def _batch_note(batch: int) -> str:
    if batch:
        return "as the file has it"
    return "the file takes any; [1, 4, 8] would build a dynamic one"


def _word(value: Any) -> str:
    """A string as YAML reads it back: JSON's quoting, with what YAML calls unprintable escaped."""
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)
