"""Breaks the code on purpose, one line at a time, and expects the tests to notice: `make mutants`.

    python -m tests.mutants.run [NAME …]      # those of tests/mutants/NAME.yaml; none: all

A mutant is `file`, `find` (text that occurs once in it), `replace`, `test` (a pytest node), `why`.
Each is applied in a temporary copy of the checkout; the test must pass before and fail after.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"file", "find", "replace", "test", "why"}


@dataclass(frozen=True)
class Mutant:
    """One deliberate mistake."""

    origin: str
    file: str
    find: str
    replace: str
    test: str
    why: str

    def complaint(self) -> str:
        """What is wrong with its description; empty if nothing is."""
        path = ROOT / self.file
        if not path.is_file():
            return f"no file {self.file}"
        count = path.read_text(encoding="utf-8").count(self.find)
        if count != 1:
            return f"{self.find!r} occurs {count} times in {self.file}"
        if self.find == self.replace:
            return f"{self.find!r} is replaced by itself"
        module, _, rest = self.test.partition("::")
        name = rest.split("[")[0].split("::")[-1]
        test = ROOT / module
        if not test.is_file() or f"def {name}(" not in test.read_text(encoding="utf-8"):
            return f"no test {self.test}"
        return ""


def read_mutants(names: tuple[str, ...] = ()) -> list[Mutant]:
    """The mutants of tests/mutants/NAME.yaml, of all files without names.

    Raises:
        ValueError: an entry lacks a field or has another.
    """
    found = []
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        if names and path.stem not in names:
            continue
        for entry in YAML(typ="safe").load(path.read_text(encoding="utf-8")) or []:
            if set(entry) != FIELDS:
                raise ValueError(f"{path.name}: a mutant has {sorted(FIELDS)}, got {sorted(entry)}")
            found.append(Mutant(path.stem, **{key: str(value) for key, value in entry.items()}))
    return found


def copy_checkout(folder: Path) -> None:
    """What git knows, and new files it does not ignore, into `folder`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        source = ROOT / name
        if source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def run_test(folder: Path, *tests: str) -> tuple[bool, str]:
    """Whether tests pass in a checkout, and the end of what pytest said."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:randomly", *tests],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    if done.returncode not in (0, 1):
        return False, f"pytest could not run it: {(done.stdout + done.stderr)[-500:]}"
    return done.returncode == 0, "\n".join(done.stdout.splitlines()[-3:])


def passing(mutants: list[Mutant], folder: Path) -> frozenset[str]:
    """The tests of all mutants if none fails without them, run at once; else none are known."""
    tests = sorted({mutant.test for mutant in mutants if not mutant.complaint()})
    return frozenset(tests if tests and run_test(folder, *tests)[0] else ())


def survives(mutant: Mutant, folder: Path, known: frozenset[str] = frozenset()) -> str:
    """Apply a mutant, run its test, undo it; why it was not caught, empty if it was.

    Tests in `known` pass without it.
    """
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    passes, said = (True, "") if mutant.test in known else run_test(folder, mutant.test)
    if not passes:
        return f"{mutant.test} fails without it:\n{said}"
    path.write_text(text.replace(mutant.find, mutant.replace), encoding="utf-8")
    try:
        passes, said = run_test(folder, mutant.test)
    finally:
        path.write_text(text, encoding="utf-8")
    if passes:
        return f"{mutant.test} still passes"
    return said if said.startswith("pytest could not") else ""


def main(arguments: list[str] | None = None) -> int:
    """Run mutants; the number that survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("names", nargs="*", help="files of tests/mutants, without .yaml")
    mutants = read_mutants(tuple(parser.parse_args(arguments).names))
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        known = passing(mutants, Path(folder))
        for mutant in mutants:
            problem = mutant.complaint() or survives(mutant, Path(folder), known)
            survivors += bool(problem)
            verdict = f"SURVIVED: {problem}" if problem else "caught"
            print(f"{mutant.origin}: {mutant.why}: {verdict}", flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants were caught")
    return survivors


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
