"""Which of many bundles would load here: asked of manifests, no engine is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgecv.bundle import MANIFEST, Manifest, open_bundle
from edgecv.engines import misfit
from edgecv.engines.where import where_it_runs
from edgecv.errors import EdgecvError


def bundles_here(root: Path, executes: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Every bundle below `root` (run folder / bundle), and what would keep it from loading here.

    Quick: digests are not computed and nothing is deserialised; `bundle_here` tries for real.

    Args:
        root: Folder of run folders, as `--runs`.
        executes: Backend -> whether its engines execute on this machine.

    Returns:
        A row a bundle, by path: `bundle`, `runs_on`, `would_load`, `because`, `fix`.
    """
    folders = sorted(path.parent for path in root.glob(f"*/*/{MANIFEST}"))
    return [_row(folder, executes) for folder in folders]


def _row(folder: Path, executes: Mapping[str, bool]) -> dict[str, Any]:
    row: dict[str, Any] = {"bundle": str(folder), "runs_on": "", "because": "", "fix": ""}
    try:
        manifest = open_bundle(folder, check_digests=False).manifest
        row |= {"runs_on": where_it_runs(manifest), "because": _why_not(manifest, executes)}
        if row["because"]:
            row["fix"] = f"edgecv build {folder}"
    except EdgecvError as err:
        row |= {"because": err.what, "fix": err.fix}
    return {**row, "would_load": not row["because"]}


def _why_not(manifest: Manifest, executes: Mapping[str, bool]) -> str:
    facts = misfit(manifest)
    if facts:
        return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
    if not executes.get(manifest.backend, False):
        return f"{manifest.backend} engines do not execute here"
    return ""
