"""accuracy.json in a few lines of text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.evaluate.scores import TOP

WORTH_A_LOOK = 0.005  # half a point: less is lost to int8 where nothing is wrong


def summary(bundle: Path, written: dict[str, Any]) -> str:
    """One line a number, with its 95 % interval, and one for the reference."""
    lines = [
        f"{name:<13} {one['value']:.4f}{_interval(one['interval'])}  n={written['n']}"
        for name, one in written["all"].items()
        if name != f"top-{TOP}"
        or len(written.get("per_class", ())) > TOP  # of five classes it is always 1
    ]
    reference = written["reference"]
    if reference:
        lines.append(
            f"{reference['bundle']}: {reference['metric']} {reference['value']:.4f},"
            f" delta {reference['delta']:+.4f}{_interval(reference['delta_interval'], '+')}"
        )
        lines += _advice(bundle, reference)
    lines.append(f"accuracy  {bundle / 'accuracy.json'}")
    return "\n".join(lines)


def _advice(bundle: Path, reference: dict[str, Any]) -> list[str]:
    """Where to look when int8 loses more than chance and more than a little."""
    interval = reference["delta_interval"]
    lost = interval is not None and interval[1] < 0 and reference["delta"] < -WORTH_A_LOOK
    if not (lost and bundle.resolve().name.startswith("int8-")):
        return []
    other = bundle.parent / reference["bundle"]
    return [f"what each node costs: edgecv compare {other} {bundle} --costs"]


def _interval(pair: list[float] | None, sign: str = "") -> str:
    return f"  [{pair[0]:{sign}.4f}, {pair[1]:{sign}.4f}]" if pair else ""
