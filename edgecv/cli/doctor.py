"""`edgecv doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgecv.cli.options import RUNS, JsonOpt, QuietOpt, RunsOpt, emit, user_errors

MaybeBundle = Annotated[
    Path | None, typer.Argument(help="A bundle: will it load here?", show_default=False)
]


def doctor(
    bundle: MaybeBundle = None,
    runs: RunsOpt = RUNS,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Show what this machine has and lacks, and which bundles below --runs would load here.

    With a bundle: it is loaded and tested, and if that fails the reason and the fix are named.

    Exit code 0: fine; 3: nothing can execute here, or the bundle does not load (the fix is named);
    4: the bundle loads, and its self-test fails.
    """
    with user_errors(quiet):
        from edgecv.doctor import as_text, require_healthy
        from edgecv.doctor import doctor as run

        report = run(bundle, runs)
        emit(report, as_json, lambda: as_text(report))
        require_healthy(report)
