"""What a typed graph is made from, as one digest: a build that would make the same one is spared.

Neither the graph nor torch is read for it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgecv.build.inputs import Source
from edgecv.files import sha256_file, sha256_json

_CODE = ("build", "graph")  # the packages that decide what a typed graph is
_KEYS = {"precision", "rest", "keep"}  # of the recipe's build section: what typing is told


def origin(source: Source) -> str:
    """Digest of model.onnx, the calibration table, what typing is told, and what types.

    The last is edgecv's own code and onnx, so that a changed rule makes every bundle anew.
    """
    table = sha256_file(source.run.ranges) if source.ranges is not None else ""
    return sha256_json(
        {
            "model": source.model_digest,
            "ranges": table,
            "told": source.recipe.build.model_dump(mode="json", include=_KEYS),
            "code": _code(),
            "onnx": _onnx(),
        }
    )


@lru_cache(maxsize=1)
def _code() -> str:
    package = Path(__file__).resolve().parent.parent
    files = [path for name in _CODE for path in sorted((package / name).glob("*.py"))]
    return sha256_json({f"{path.parent.name}/{path.name}": sha256_file(path) for path in files})


def _onnx() -> str:
    try:
        return version("onnx")
    except PackageNotFoundError:
        return ""
