"""`python -m edgecv` is the command, under its own name."""

import runpy
import signal
import subprocess
import sys

import pytest

from edgecv.cli.app import VERBS


def test_module_is_the_command(root):
    done = subprocess.run(
        [sys.executable, "-m", "edgecv", "--help"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "Usage: edgecv " in done.stdout
    assert all(f" {verb} " in done.stdout for verb in VERBS)


def test_importing_it_runs_nothing():
    assert "main" in runpy.run_module("edgecv.__main__", run_name="imported")


ENDS = [
    pytest.param("raise KeyboardInterrupt", 130, id="before-the-verbs-are-read"),
    pytest.param("def app(prog_name): raise KeyboardInterrupt", 130, id="outside-of-a-verb"),
    pytest.param(
        "import atexit, os, signal\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "def app(prog_name): print('done'); raise SystemExit(0)",
        -signal.SIGINT,
        id="while-python-shuts-down",
    ),
]


@pytest.mark.parametrize(("app", "code"), ENDS)
def test_ctrl_c_shows_no_traceback_at_any_moment(root, tmp_path, app, code):
    (tmp_path / "stand_in.py").write_text(app)
    start = (
        "import importlib, importlib.abc, importlib.util, sys\n"
        "class Instead(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'edgecv.cli.app':\n"
        "            return importlib.util.spec_from_file_location(name, sys.argv[1])\n"
        "sys.meta_path.insert(0, Instead())\n"
        "from edgecv.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start, str(tmp_path / "stand_in.py")],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout == ("done\n" if "print" in app else "")
