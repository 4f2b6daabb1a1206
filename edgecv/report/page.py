"""report.html: one self-contained page, and the same facts as report.json."""

from __future__ import annotations

import base64
import os
import platform
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from edgecv._version import __version__
from edgecv.errors import FileError, MissingPackage, UsageError
from edgecv.files import whole_file, write_json, write_text
from edgecv.report.confusion import draw_confusion
from edgecv.report.pareto import draw_pareto
from edgecv.report.rows import Row, collect, number

_PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8"}


def report(
    bundles: Sequence[Path],
    out: Path,
    *,
    pictures: Sequence[Path] = (),
    title: str = "",
) -> dict[str, Any]:
    """Write report.html, report.json and the pictures of what was measured into `out`.

    pareto.png needs latency and accuracy of a bundle, confusion-RUN.png a classifier's accuracy.

    Args:
        bundles: Bundle folders, one row each, of one or several runs.
        out: Folder the three files are written to.
        pictures: PNG or JPEG files shown in the page (embedded: it needs no other file).
        title: Heading of the page; empty: what the recipes call the models.

    Returns:
        What report.json holds: `rows`, and `machine`.

    Raises:
        UsageError: no bundle was given.
        FileError: a bundle, a measurement or a picture is missing or broken; nothing is written.
        MissingPackage: jinja2 or matplotlib is not installed.
    """
    if not bundles:
        raise UsageError("report needs at least one bundle", fix="edgecv report runs/*/*-*")
    rows = collect(bundles)
    machine = {
        "edgecv": __version__,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }
    record = {"title": title, "machine": machine, "rows": [row._asdict() for row in rows]}
    shown = [(path.stem, _embed(path)) for path in pictures]
    page = _template()
    out.mkdir(parents=True, exist_ok=True)
    drawn = any(row.value is not None and row.p50_ms is not None for row in rows)
    if drawn:
        with whole_file(out / "pareto.png") as temporary:
            draw_pareto(rows, temporary)
    else:
        (out / "pareto.png").unlink(missing_ok=True)  # an older one would show other bundles
    confusions = _confusions(rows, out)
    html = page.render(
        title=title or " · ".join(dict.fromkeys(r.title or r.run_id for r in rows)),
        rows=rows,
        machine=machine,
        conditions=next((row.conditions for row in rows if row.conditions), {}),
        pareto=_embed(out / "pareto.png") if drawn else "",
        confusions=confusions,
        pictures=shown,
        number=number,
        bar=_bar,
    )
    write_text(out / "report.html", html)
    write_json(out / "report.json", record)
    return record


def _confusions(rows: Sequence[Row], out: Path) -> list[tuple[str, str]]:
    """Draw the confusion matrix of every run's first bundle that has one: name, embedded PNG."""
    drawn: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row.confusion and row.run_id not in drawn:
            path, title = out / f"confusion-{row.run_id}.png", f"{row.run_id} / {row.name}"
            with whole_file(path) as temporary:
                draw_confusion(row.confusion, row.classes, temporary, title=title)
            drawn[row.run_id] = (title, _embed(path))
    return list(drawn.values())


def _template() -> Any:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as err:
        raise MissingPackage("jinja2", "report", needed_for="report.html") from err
    text = (files("edgecv.report") / "page.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(text)


def _embed(path: Path) -> str:
    kind = _PICTURES.get(path.suffix.lower())
    if kind is None:
        raise UsageError("report pictures must be PNG or JPEG", picture=path)
    if not path.is_file():
        raise FileError("picture not found", file=path)
    data = path.read_bytes()
    if not data.startswith(_MAGIC[kind]):
        raise FileError("picture is not what its name says", file=path, named=kind)
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _bar(row: Row, rows: Sequence[Row]) -> float:
    """Length of a row's latency bar, percent of the slowest row of its run."""
    slowest = max((r.p50_ms or 0.0 for r in rows if r.run_id == row.run_id), default=0.0)
    return 100.0 * (row.p50_ms or 0.0) / slowest if slowest else 0.0


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
