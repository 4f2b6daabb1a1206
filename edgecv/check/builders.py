"""One parse-and-build, per TensorRT flavour installed here, by the engines' own builder.

That builder runs in a child process: a crash of TensorRT is an answer.
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import onnx

from edgecv.check.search import Attempt
from edgecv.engines import build_engine
from edgecv.engines.versions import backend_version
from edgecv.errors import UnsupportedModel
from edgecv.recipe import Build

_MODULES = {"tensorrt-rtx": "tensorrt_rtx", "tensorrt": "tensorrt"}
_BATCH = (1, 1, 4)  # of a graph whose batch is open


class Flavour(NamedTuple):
    """A TensorRT package of this machine.

    Attributes:
        name: As in `--backend`.
        version: Of the package; `unknown` if it does not say.
    """

    name: str
    version: str


def flavours() -> tuple[Flavour, ...]:
    """The TensorRT flavours installed here that have a builder (none is imported to see)."""
    names = (name for name, module in _MODULES.items() if find_spec(module) is not None)
    return tuple(Flavour(name, backend_version(name)) for name in names)


def attempt(model: onnx.ModelProto, flavour: Flavour, targets: tuple[str, ...]) -> Attempt:
    """Parse and build a graph as it is (fp32 stays fp32, Q/DQ stays Q/DQ).

    Raises:
        UnknownName: TensorRT-RTX has no such target.
        MachineError: the builder does not start here (TensorRT needs a GPU to build).
    """
    with tempfile.TemporaryDirectory(prefix="edgecv-check-") as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        options = Build(precision="fp32", targets=targets)
        try:
            build_engine(flavour.name, path, Path(folder), options, _BATCH, source=path)
        except UnsupportedModel as err:
            facts = {name: str(value) for name, value in err.facts.items()}
            reason = facts.get("reason") or facts.get("log") or err.what
            return Attempt(False, facts.get("node", ""), reason)
    return Attempt(True)
