"""Build: a typed graph and an engine become a bundle that is written whole or not at all.

`build` starts from a run folder, `rebuild` from another bundle: the latter needs neither torch nor
onnx, so that a device can do it.
"""

from edgecv.build.assemble import build
from edgecv.build.rebuild import rebuild

__all__ = ["build", "rebuild"]
