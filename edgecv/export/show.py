"""What a person reads after an export."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def summary(record: dict[str, Any], model: Path) -> str:
    """Lines of text for an export.json record."""
    parity = record["parity"]
    lines = [f"model   {model}  opset {record['opset']}  batch {record['batch']}"]
    for gap in parity["outputs"]:
        lines.append(
            f"parity  {gap['name']:<12} max |Δ| {gap['absolute']:.1e}"
            f"  relative {gap['relative']:.1e}  (limit {parity['limit']:.0e})"
        )
    lines.append(f"against {parity['against']} on {parity['images']} inputs: {parity['inputs']}")
    return "\n".join(lines)
