"""What the documents tell a user to type exists, and what they link to is there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from edgecv.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def commands_in(text):
    """Every `edgecv …` line of the fenced blocks, continuation lines joined, comments dropped."""
    for block in re.findall(r"```(?:bash|console|sh)\n(.*?)```", text, flags=re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words and words[0] == "edgecv":
                yield words[1:]


def problem_of(words):
    """Why a command line cannot be typed, or None: unknown verb or unknown option."""
    if words[0] in ("--help", "--version"):
        return None
    verb = COMMANDS.get(words[0])
    if verb is None:
        return f"no verb {words[0]!r}"
    known = {o for p in verb.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
    options = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
    return next((f"{words[0]} has no option {o}" for o in options if o not in known), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    assert [p for words in commands_in(page.read_text()) if (p := problem_of(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    local = [t for t in targets if not t.startswith("http")]
    assert [t for t in local if not (page.parent / t).exists()] == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [("bild x", "no verb 'bild'"), ("zoo --jsn", "zoo has no option --jsn"), ("zoo --json", None)],
    ids=["verb", "option", "right"],
)
def test_the_check_itself_sees_mistakes(line, problem):
    (words,) = commands_in(f"```bash\nedgecv {line}  # a comment\n```")
    assert problem_of(words) == problem


def test_every_verb_has_help():
    assert COMMANDS
    assert [name for name, verb in COMMANDS.items() if not verb.help] == []
