"""Will a bundle load here? Tried, with the reason and the command if not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.bundle import open_bundle
from edgecv.engines import open_engine
from edgecv.engines.golden import self_test
from edgecv.engines.where import where_it_runs
from edgecv.errors import EdgecvError, MissingPackage


def bundle_here(folder: Path) -> dict[str, Any]:
    """Open a bundle, load its engine and run its self-test.

    Returns:
        `bundle`, `backend`, `backend_version`, `runs_on`, `loads`, `self_test`, `problem`,
        `facts`, `fix`.

    Raises:
        FileError: no bundle, a broken one, or one that was changed.
    """
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    report: dict[str, Any] = {
        "bundle": str(folder),
        "backend": manifest.backend,
        "backend_version": manifest.backend_version,
        "runs_on": where_it_runs(manifest),
        "loads": False,
        "self_test": "not run",
        "problem": "",
        "facts": {},
        "fix": "",
    }
    try:
        for stage in (bundle, *bundle.parts.values()):
            engine = open_engine(stage)
            report["loads"] = stage is bundle or report["loads"]
            self_test(engine, stage)
            engine.close()
        report["self_test"] = "passed"
    except EdgecvError as err:
        report |= _problem(err, folder)
        report["self_test"] = "failed" if report["loads"] else "not run"
    return report


def _problem(err: EdgecvError, folder: Path) -> dict[str, Any]:
    rebuild = f"edgecv build {folder}"
    fix = err.fix or rebuild
    if isinstance(err, MissingPackage):
        fix = f"{fix}, or for another backend: {rebuild} --backend openvino"
    facts = {name: str(value) for name, value in err.facts.items()}
    return {"problem": err.what, "facts": facts, "fix": fix}
