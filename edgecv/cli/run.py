"""`edgecv run`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from edgecv.cli.options import BundleArg, JsonOpt, QuietOpt, user_errors

SourceArg = Annotated[
    str,
    typer.Argument(
        help="Image, folder, 'glob*', video, v4l2://0, rtsp://…, csi://0 or a GStreamer pipeline."
    ),
]
SaveOpt = Annotated[
    Path | None, typer.Option(help="Folder for annotated pictures or video, and results.jsonl.")
]
ShowOpt = Annotated[bool, typer.Option("--show", help="Open a window (Esc or q closes it).")]
LimitOpt = Annotated[int, typer.Option(help="Stop after this many frames; 0: at the end.")]


def run(
    bundle: BundleArg,
    source: SourceArg,
    save: SaveOpt = None,
    show: ShowOpt = False,
    as_json: JsonOpt = False,
    limit: LimitOpt = 0,
    quiet: QuietOpt = False,
) -> None:
    """Run a bundle on pictures, videos or cameras, and draw what it sees.

    Prints one line a frame (with --json: one JSON object a line). Ctrl-C ends cleanly: files are
    closed, the exit code is 130.
    """
    with user_errors(quiet):
        from edgecv.progress import note
        from edgecv.run import run

        each = _json if as_json else _text
        done = run(bundle, source, save=save, show=show, limit=limit, each=each)
        dropped = f", {done['dropped']} dropped" if done["dropped"] else ""
        note(f"{done['frames']} frames{dropped}" + (f"  {save}" if save else ""))


def _json(row: dict[str, Any]) -> None:
    typer.echo(json.dumps(row, allow_nan=False))


def _text(row: dict[str, Any]) -> None:
    result = row["result"]
    people = [{"name": "person", **person} for person in result.get("people", ())]
    found = result.get("classes") or result.get("boxes") or result.get("instances") or people
    # a label map's classes have no score but the share of pixels
    pairs = [(item["name"], item.get("score", item.get("share", 0.0))) for item in found[:8]]
    said = ", ".join(f"{name} {value or 0:.2f}" for name, value in pairs) or "nothing"
    if points := result.get("keypoints"):
        said = f"{len(points)} keypoints"
    more = f", and {len(found) - 8} more" if len(found) > 8 else ""
    typer.echo(f"{row['source']} #{row['frame']}  {sum(row['ms'].values()):.1f} ms  {said}{more}")
