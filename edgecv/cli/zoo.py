"""`edgecv zoo`."""

from __future__ import annotations

from edgecv.cli.options import JsonOpt, QuietOpt, emit, user_errors


def zoo(as_json: JsonOpt = False, quiet: QuietOpt = False) -> None:
    """List every architecture: name, task, parameters, paper, recipe."""
    with user_errors(quiet):
        from edgecv.zoo.registry import variants

        rows = [{"name": name, **info._asdict()} for name, info in variants().items()]
        emit(rows, as_json, lambda: _table(rows))


def _table(rows: list[dict[str, object]]) -> str:
    head = f"{'name':<22}{'task':<10}{'params':>12}  {'paper':<18}recipe"
    lines = [
        f"{row['name']:<22}{row['task']:<10}{row['params']:>12,}  {row['paper']:<18}{row['recipe']}"
        for row in rows
    ]
    return "\n".join([head, *lines])
