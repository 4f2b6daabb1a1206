"""What a TensorRT engine runs, layer by layer, read from its builder's log or its inspector."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from edgecv.bundle import Layer

_NAMES = {
    "Float": "fp32",
    "Half": "fp16",
    "BFloat16": "bf16",
    "Int8": "int8",
    "Int4": "int4",
    "FP8": "fp8",
    "Int32": "int32",
    "Int64": "int64",
    "Bool": "bool",
    "UInt8": "uint8",
}
_LINE = re.compile(r"^Name: (?P<name>.*?), LayerType: (?P<type>[^,]+)", re.MULTILINE)
_ONNX = re.compile(r"\[ONNX Layer: (.*?)\](?=[\x1e\x1f]|\[ONNX|\s*$)")
_DATATYPE = re.compile(r"Datatype: (\w+)")
# The older inspector: "Format/Datatype": "Channel major FP16 format where channel % 8 == 0"
_WORDS = (
    (re.compile(r"\bINT8\b|\bInt8\b"), "int8"),
    (re.compile(r"\bFP8\b"), "fp8"),
    (re.compile(r"\bFP16\b|\bHalf\b"), "fp16"),
    (re.compile(r"\bBF16\b|\bBFloat16\b"), "bf16"),
    (re.compile(r"\bFP32\b|\bFloat\b"), "fp32"),
    (re.compile(r"\bINT32\b|\bInt32\b"), "int32"),
    (re.compile(r"\bINT64\b|\bInt64\b"), "int64"),
    (re.compile(r"\bBOOL\b|\bBool\b"), "bool"),
)


def layers_from_log(messages: Iterable[str]) -> tuple[Layer, ...]:
    """Layers of TensorRT-RTX's VERBOSE build log (profiling verbosity DETAILED).

    A layer's precision is the datatype of its first input: that is what a convolution or a matrix
    product multiplies. Its name is that of the ONNX nodes in it, where the log says them.

    Args:
        messages: The builder's messages; one of them begins with `Layers:`.

    Returns:
        The layers in execution order; empty if the log has no such table.
    """
    for message in messages:
        head, _, table = message.partition("Layers:")
        if head.strip() == "" and "LayerType:" in table:
            return tuple(_from_line(line) for line in _lines(table))
    return ()


def layers_from_inspector(text: str | None) -> tuple[Layer, ...]:
    """Layers of `EngineInspector.get_engine_information(JSON)`, of TensorRT 8.5 to 11.

    Args:
        text: The JSON, or None where TensorRT gave no text. Engines built without detailed
            profiling list names only: then precision is "unknown".
    """
    try:
        data: Any = json.loads(text or "")
    except ValueError:
        return ()
    entries = data.get("Layers", []) if isinstance(data, dict) else []
    return tuple(_from_entry(entry) for entry in entries)


def _lines(table: str) -> list[str]:
    starts = [match.start() for match in _LINE.finditer(table)]
    return [table[a:b] for a, b in zip(starts, [*starts[1:], len(table)], strict=True)]


def _from_line(line: str) -> Layer:
    found = _LINE.match(line)
    name, kind = (found["name"], found["type"]) if found else (line[:80], "unknown")
    inputs = line.partition("Inputs: [")[2].partition("Outputs: [")[0]
    outputs = line.partition("Outputs: [")[2].partition("TacticName")[0]
    types = _DATATYPE.findall(inputs.partition("Constants: [")[0]) or _DATATYPE.findall(outputs)
    nodes = _ONNX.findall(line.partition("Metadata: ")[2].strip())
    return Layer(
        name=",".join(nodes) or name,
        type=kind.strip(),
        precision=_NAMES.get(types[0], types[0].lower()) if types else "unknown",
    )


def _from_entry(entry: Any) -> Layer:
    if not isinstance(entry, dict):
        return Layer(name=str(entry), type="unknown", precision="unknown")
    nodes = _ONNX.findall(str(entry.get("Metadata", "")))
    return Layer(
        name=",".join(nodes) or str(entry.get("Name", "")),
        type=str(entry.get("ParameterType") or entry.get("LayerType") or "unknown"),
        precision=_entry_precision(entry),
    )


def _entry_precision(entry: dict[str, Any]) -> str:
    for side in ("Inputs", "Outputs"):
        for tensor in entry.get(side) or ():
            if not isinstance(tensor, dict):
                continue
            said = str(tensor.get("Datatype") or tensor.get("Format/Datatype") or "")
            for word, precision in _WORDS:
                if word.search(said):
                    return precision
    return "unknown"
