"""Runs a TensorRT build in a child process: a crash there is an error message here."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

from edgecv import errors
from edgecv.engines.trt_child import RESULT
from edgecv.engines.trt_job import Job
from edgecv.errors import EdgecvError, UnsupportedModel
from edgecv.files import read_json, write_json
from edgecv.progress import note

_TAIL = 12  # log lines shown when the builder crashes


def build_in_child(job: Job) -> dict[str, Any]:
    """Build in a process of its own.

    Returns:
        What `PlanBuilder.build` returns.

    Raises:
        UnsupportedModel: the builder crashed, or cannot parse or build the graph.
        EdgecvError: what the build raised, in its own class.
    """
    with tempfile.TemporaryDirectory(prefix="edgecv-trt-") as folder:
        job_file = write_json(Path(folder) / "job.json", job.to_dict())
        command = [sys.executable, "-m", "edgecv.engines.trt_child", str(job_file)]
        tail: deque[str] = deque(maxlen=_TAIL)
        show = _Shown(job.flavour)
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(),
        ) as child:
            try:
                for line in child.stdout or ():
                    tail.append(line.rstrip())
                    show(line.rstrip())
            except BaseException:
                child.kill()
                raise
        result_file = job_file.with_name(RESULT)
        if not result_file.is_file():
            raise UnsupportedModel(
                f"the {job.flavour} builder died while building this graph",
                exit_status=child.returncode,
                log=" | ".join(tail)[-1500:] or "nothing was logged",
                fix="edgecv check MODEL.onnx names the node",
            )
        result = read_json(result_file, "result of the build")
    if "error" in result:
        raise _error(result["error"])
    built: dict[str, Any] = result["built"]
    return built


def _environment() -> dict[str, str]:
    """This environment, where the child finds the same edgecv whatever the working folder."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


class _Shown:
    """What of a builder's lines a user sees: errors, notes, and how far the whole build is.

    TensorRT 8.5 and 8.6 have no progress monitor: there their log lines are all there is.
    """

    def __init__(self, flavour: str) -> None:
        self._flavour, self._root, self._last = flavour, "", ""

    def __call__(self, line: str) -> None:
        kind, _, text = line.partition(": ")
        if kind in ("ERROR", "INTERNAL_ERROR", "NOTE"):
            note(f"{self._flavour}: {text[:300]}")
        elif kind == "PROGRESS":
            phase, _, step = text.rpartition(" ")
            self._root = self._root or phase  # the first phase encloses all others
            if phase == self._root and text != self._last and not step.startswith("0/"):
                note(f"{self._flavour}: {phase}, step {step}")
            self._last = text if phase == self._root else self._last
        elif kind == "INFO" and not self._root and text.startswith("["):
            note(f"{self._flavour}: {text[:120]}")


def _error(said: dict[str, Any]) -> EdgecvError:
    """The child's error in its own class."""
    kind = getattr(errors, str(said["kind"]), EdgecvError)
    err: EdgecvError = kind.__new__(kind)
    EdgecvError.__init__(err, said["what"], fix=said["fix"], **said["facts"])
    return err
