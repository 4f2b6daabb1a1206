"""`edgecv evaluate BUNDLE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import BundleArg, JsonOpt, QuietOpt, emit, user_errors

DataOpt = Annotated[Path | None, typer.Option("--data", help="Folder in place of the recipe's.")]
ReferenceOpt = Annotated[
    Path | None, typer.Option("--reference", help="Bundle to compare with; else a sibling fp32-*.")
]
ImagesOpt = Annotated[int, typer.Option("--images", min=0, help="Pictures to judge on; 0: all.")]
DropOpt = Annotated[
    float | None, typer.Option("--max-drop", min=0, help="Exit 4 if the metric drops by more.")
]


def evaluate(
    bundle: BundleArg,
    data: DataOpt = None,
    reference: ReferenceOpt = None,
    images: ImagesOpt = 0,
    max_drop: DropOpt = None,
    json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Judge a bundle on held-out pictures, beside its fp32 reference; writes accuracy.json."""
    with user_errors(quiet):
        from edgecv.evaluate import evaluate as run
        from edgecv.evaluate.text import summary

        written = run(bundle, data=data, reference=reference, images=images, max_drop=max_drop)
        emit(written, json, lambda: summary(bundle, written))
