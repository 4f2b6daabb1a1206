"""`edgecv zoo`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgecv.cli.options import JsonOpt, QuietOpt, emit, user_errors

DownloadOpt = Annotated[str, typer.Option(help="Fetch this variant's published weights.")]


def zoo(download: DownloadOpt = "", as_json: JsonOpt = False, quiet: QuietOpt = False) -> None:
    """List every architecture: name, task, parameters, paper, recipe.

    With --download NAME: fetch its published weights into the cache, check their digest, and
    print the file.
    """
    with user_errors(quiet):
        if download:
            from edgecv.zoo.published import published_weights

            path = published_weights(download)
            emit({"weights": str(path)}, as_json, lambda: f"weights  {path}")
            return
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
