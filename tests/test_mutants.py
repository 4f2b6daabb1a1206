"""Mutants: their descriptions are true of the code, and the runner tells caught from not."""

import pytest

from tests.mutants import run
from tests.mutants.run import Mutant, read_mutants


@pytest.mark.parametrize(
    "mutant", read_mutants(), ids=lambda mutant: f"{mutant.origin}-{mutant.why}"
)
def test_a_mutant_is_described_as_the_code_is(mutant):
    assert mutant.complaint() == ""


CODE = "def one():\n    return 1\n"
TEST = "from code import one\n\n\ndef test_one():\n    assert one() == 1\n"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "test_code.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    return tmp_path


@pytest.mark.parametrize(
    ("replace", "test", "told"),
    [
        ("return 2", "test_code.py::test_one", ""),
        ("return 1.0", "test_code.py::test_one", "still passes"),
        ("return 2", "test_code.py::test_two", "fails without it"),
    ],
    ids=["caught", "survives", "no-such-test"],
)
def test_a_mutant_is_caught_or_it_is_said_why_not(checkout, replace, test, told):
    mutant = Mutant("here", "code.py", "return 1", replace, test, "why")
    problem = run.survives(mutant, checkout)
    assert (told in problem) if told else problem == ""
    assert (checkout / "code.py").read_text() == CODE


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"file": "none.py"}, "no file"),
        ({"find": "import"}, "occurs"),
        ({"replace": "FIELDS = {"}, "by itself"),
        ({"test": "tests/test_mutants.py::test_none"}, "no test"),
    ],
)
def test_a_stale_description_is_said(entry, told):
    good = {
        "file": "tests/mutants/run.py",
        "find": "FIELDS = {",
        "replace": "x",
        "test": "tests/test_mutants.py::test_a_stale_description_is_said",
    }
    assert Mutant("here", why="", **good).complaint() == ""
    assert told in Mutant("here", why="", **{**good, **entry}).complaint()


def test_two_mutants_are_caught_today(tmp_path, monkeypatch, capsys):
    """A cheap end of `make mutants`: copies the checkout, breaks two lines of the CUDA room."""
    chosen = [m for m in read_mutants(("cuda",)) if "in_its_key" in m.test or "leaves_no" in m.test]
    monkeypatch.setattr(run, "read_mutants", lambda names: chosen)
    assert run.main([]) == 0, capsys.readouterr().out
    assert "2 of 2 mutants were caught" in capsys.readouterr().out
