"""`edgecv zoo`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgecv.cli.options import JsonOpt, QuietOpt, emit, user_errors

DownloadOpt = Annotated[str, typer.Option(help="Fetch this variant's published weights.")]


def zoo(download: DownloadOpt = "", as_json: JsonOpt = False, quiet: QuietOpt = False) -> None:
    """List every architecture: name, task, parameters, paper, recipe, and published weights.

    A recipe serves its whole family: `--set arch.name=NAME` chooses the variant.

    With --download NAME: fetch its published weights into the cache, check their digest, and
    print the file.
    """
    with user_errors(quiet):
        if download:
            from edgecv.zoo.published import published_weights

            path = published_weights(download)
            emit({"weights": str(path)}, as_json, lambda: f"weights  {path}")
            return
        from edgecv.zoo.published import tags
        from edgecv.zoo.registry import variants

        rows = [
            {"name": name, **info._asdict(), "weights": tags(name)}
            for name, info in variants().items()
        ]
        emit(rows, as_json, lambda: _table(rows))


def _table(rows: list[dict[str, Any]]) -> str:
    form = "{name:<26}{task:<10}{params:>12}  {paper:<18}{recipe:<30}{weights}"
    head = form.format(
        **{key: key for key in ("name", "task", "params", "paper", "recipe")}
        | {"weights": "weights"}
    )
    lines = [
        form.format(**row | {"params": f"{row['params']:,}", "weights": ", ".join(row["weights"])})
        for row in rows
    ]
    foot = "A recipe serves its family: edgecv export RECIPE --set arch.name=NAME --weights WEIGHTS"
    return "\n".join(line.rstrip() for line in (head, *lines, "", foot))
