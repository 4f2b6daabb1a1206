"""`python -m edgecv` is the command, under its own name."""

import runpy
import subprocess
import sys

from edgecv.cli.app import VERBS


def test_module_is_the_command(root):
    done = subprocess.run(
        [sys.executable, "-m", "edgecv", "--help"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "Usage: edgecv " in done.stdout
    assert all(f" {verb} " in done.stdout for verb in VERBS)


def test_importing_it_runs_nothing():
    assert "app" in runpy.run_module("edgecv.__main__", run_name="imported")
