"""Parse and build one ONNX file with a TensorRT flavour; run as a script, in its own process.

A builder that crashes or runs out of memory takes its process with it, so this one is not ours.
Arguments: module (tensorrt or tensorrt_rtx), ONNX file, targets (sm86,sm89 or nothing).
Prints one line of JSON: {"ok": bool, "errors": [str], "unknown": [targets it does not have]}.
Imports nothing of edgecv.
"""

import json
import os
import sys
from importlib import import_module
from typing import Any


def attempt(trt: Any, path: str, targets: list[str]) -> tuple[bool, list[str]]:
    """Parse and build; return (ok, errors)."""
    errors: list[str] = []

    class Log(trt.ILogger):  # type: ignore[name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                errors.append(text)

    log = Log()
    builder = trt.Builder(log)
    kinds = trt.NetworkDefinitionCreationFlag
    flags = 1 << int(kinds.STRONGLY_TYPED) if hasattr(kinds, "STRONGLY_TYPED") else 1
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, log)
    if not parser.parse_from_file(path):
        said = [str(parser.get_error(i)) for i in range(parser.num_errors)]
        return False, said or errors
    config = builder.create_builder_config()
    if targets and hasattr(config, "num_compute_capabilities"):
        config.num_compute_capabilities = len(targets)
        for index, target in enumerate(targets):
            config.set_compute_capability(getattr(trt.ComputeCapability, target.upper()), index)
    add_profile(builder, network, config)
    return builder.build_serialized_network(network, config) is not None, errors


def add_profile(builder: Any, network: Any, config: Any) -> None:
    """Open dimensions: the batch runs 1..4, an open height or width is 224."""
    profile, needed = builder.create_optimization_profile(), False
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        shape = tuple(tensor.shape)
        if -1 in shape:
            needed = True
            sizes = [
                tuple((batch if i < 2 else 224) if s < 0 else s for i, s in enumerate(shape))
                for batch in (1, 1, 4)
            ]
            profile.set_shape(tensor.name, *sizes)
    if needed:
        config.add_optimization_profile(profile)


if __name__ == "__main__":
    module, path, wanted = import_module(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
    targets = [target for target in wanted if target]
    known = dir(getattr(module, "ComputeCapability", None))
    unknown = [target for target in targets if target.upper() not in known]
    ok, errors = (False, []) if unknown else attempt(module, path, targets)
    print("@" + json.dumps({"ok": ok, "errors": errors, "unknown": unknown}), flush=True)
    os._exit(0)  # TensorRT's own teardown has nothing to add
