"""One version: of the package, of the wheel, of the command."""

import re

import edgecv
from edgecv._version import __version__


def test_it_is_a_release_by_pep_440_and_the_packages():
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)
    assert edgecv.__version__ == __version__


def test_the_wheel_reads_it_from_the_same_file(root):
    project = (root / "pyproject.toml").read_text()
    assert 'dynamic = ["version"]' in project
    assert '[tool.hatch.version]\npath = "edgecv/_version.py"' in project
