"""Each layer of the built engine: the precision asked for beside the one it runs in."""

from __future__ import annotations

import re
from typing import Any

from pydantic import TypeAdapter, ValidationError

from edgecv.bundle import Bundle, Layer, Manifest
from edgecv.errors import FileError
from edgecv.files import read_json

LAYERS = "layers.json"
_ROWS = TypeAdapter(tuple[Layer, ...])


def side_by_side(bundle: Bundle) -> list[dict[str, str]]:
    """The engine's layers, in its order.

    Returns:
        `name`, `type`, `asked`, `achieved` of each. A fused layer counts as asked for in int8 if
        one of the quantised nodes is in it. `asked` is empty for layers no node is named in
        (reformats, copies): nothing was asked of them.

    Raises:
        FileError: layers.json is broken.
    """
    if LAYERS not in bundle.manifest.files:
        return []
    return [
        {
            "name": layer.name,
            "type": layer.type,
            "asked": asked(layer, bundle.manifest),
            "achieved": layer.precision,
        }
        for layer in _read(bundle)
    ]


def asked(layer: Layer, manifest: Manifest) -> str:
    """What the build asked of a layer; empty where it asked nothing."""
    record = manifest.precision
    if record.asked not in ("int8", "mixed"):
        return "fp32" if record.asked == "tf32" else record.asked
    inside = set(re.split(r"[,;+\s]+", layer.name))
    if inside & set(record.quantized):
        return "int8"
    return record.rest if inside & set(record.kept) else ""


def _read(bundle: Bundle) -> tuple[Layer, ...]:
    path = bundle.path(LAYERS)
    data: Any = read_json(path, "layer list")
    try:
        return _ROWS.validate_python(data)
    except ValidationError as err:
        raise FileError("layer list does not fit its schema", file=path) from err
