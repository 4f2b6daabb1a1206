"""Parse and build many ONNX files with TensorRT-RTX in this one process; a line of JSON for each.

`python rtx_many.py FILE...`. Run as a child: starting a process for each of 117 small files would
take minutes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import tensorrt_rtx as trt


class Quiet(trt.ILogger):
    """Drops what the builder says: the parser's own error list is read instead."""

    def __init__(self):
        trt.ILogger.__init__(self)

    def log(self, severity, message):
        """Nothing."""


def attempt(path: str, logger: Quiet) -> str:
    """Why the file does not build; empty if it does."""
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(Path(path).read_bytes()):
        return str(parser.get_error(0).desc()) if parser.num_errors else "not parsed"
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    built = builder.build_serialized_network(network, config)
    return "" if built is not None else "not built"


if __name__ == "__main__":
    quiet = Quiet()
    for name in sys.argv[1:]:
        print(json.dumps([name, attempt(name, quiet)]), flush=True)
    os._exit(0)  # the library's own teardown is not under test
