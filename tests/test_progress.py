"""Progress goes to stderr and never to stdout; quiet means silent."""

from edgecv import progress


def test_items_pass_through_lazily_and_in_order():
    seen = progress.track(iter(range(3)), "count")
    assert (next(seen), list(seen)) == (0, [1, 2])


def test_quiet_is_silent(capsys):
    progress.note("hello")
    list(progress.track([1], "count"))
    assert capsys.readouterr() == ("", "")


def test_notes_go_to_stderr(capsys):
    progress.set_quiet(False)
    progress.note("hello")
    list(progress.track([1], "count"))
    assert capsys.readouterr() == ("", "hello\ncount ...\n")


def test_a_terminal_gets_a_bar_and_all_items(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    progress.set_quiet(False)
    assert list(progress.track(range(3), "count")) == [0, 1, 2]
