"""One parse-and-build in a child process, per TensorRT flavour installed here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import onnx

from edgecv.check.search import Attempt
from edgecv.errors import UsageError

_CHILD = Path(__file__).with_name("child.py")
_TIMEOUT_S = 900


class Flavour(NamedTuple):
    """A TensorRT package of this machine.

    Attributes:
        name: As in `--backend`.
        module: Python module.
        version: Of the package; `?` if it does not say.
    """

    name: str
    module: str
    version: str


def flavours() -> tuple[Flavour, ...]:
    """The TensorRT flavours installed here that have a builder (none is imported to see)."""
    known = (("tensorrt-rtx", "tensorrt_rtx"), ("tensorrt", "tensorrt"))
    return tuple(Flavour(n, m, _version(n, m)) for n, m in known if find_spec(m))


def attempt(model: onnx.ModelProto, flavour: Flavour, targets: tuple[str, ...]) -> Attempt:
    """Parse and build a graph; a crash of the builder is an answer too.

    Raises:
        UsageError: the flavour has no such target.
    """
    with tempfile.TemporaryDirectory(prefix="edgecv-check-") as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        command = [sys.executable, str(_CHILD), flavour.module, str(path), ",".join(targets)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_TIMEOUT_S, env=dict(os.environ)
            )
        except subprocess.TimeoutExpired:
            return Attempt(False, (f"the builder did not finish within {_TIMEOUT_S} s",))
    for line in done.stdout.splitlines():
        if line.startswith("@"):
            said = json.loads(line[1:])
            if said["unknown"]:
                raise UsageError(
                    f"{flavour.name} {flavour.version} cannot build for {said['unknown'][0]}",
                    fix="--target sm86,sm89,sm120",
                )
            return Attempt(said["ok"], tuple(said["errors"]))
    tail = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return Attempt(False, (f"the builder's process died: {tail[0]}",))


def _version(name: str, module: str) -> str:
    for package in (name, module):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "?"
