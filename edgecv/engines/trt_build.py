"""From an ONNX file to a TensorRT or TensorRT-RTX plan, in this process.

Called in a child process (`trt_child`), because a builder that crashes or runs out of memory must
not take edgecv with it. RTX builds were run on a machine without a GPU; the other flavours were
not run on a GPU: they are tested against fakes with each version's names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecv.engines.trt_api import import_tensorrt, is_error, make_logger, member, tag
from edgecv.engines.trt_config import Configuration
from edgecv.engines.trt_job import Job
from edgecv.engines.trt_layers import layers_from_inspector, layers_from_log
from edgecv.errors import MachineError, UnsupportedModel
from edgecv.files import whole_file
from edgecv.recipe import Build

# "OutOfMemory" and "enough free memory" are TensorRT's words, the others CUDA's and the kernel's
_NO_MEMORY = re.compile(r"out ?of ?memory|enough free memory|cudamalloc|\boom\b", re.IGNORECASE)


class PlanBuilder:
    """One build, step by step."""

    def __init__(self, job: Job, say: Callable[[str], None], trt: Any = None) -> None:
        """Create builder and network.

        Args:
            job: What to build.
            say: Takes one line of progress or log.
            trt: The module; default: imported by the job's flavour.

        Raises:
            MissingPackage: TensorRT is not installed.
            MachineError: the builder cannot be created (no driver).
        """
        self._job, self._say = job, say
        self._options = Build.model_validate(job.options)
        self._trt = trt or import_tensorrt(job.flavour, to_build=True)
        self._version = str(self._trt.__version__)
        self._messages: list[tuple[str, str]] = []
        self._logger = make_logger(self._trt, self._log)
        try:
            self._builder = self._trt.Builder(self._logger)
        except (TypeError, RuntimeError) as err:
            raise MachineError(
                "TensorRT's builder does not start here: it needs an NVIDIA driver and GPU",
                version=self._version,
                log=self._errors() or str(err),
            ) from err
        self._strong = self._is_strong()
        self._network = self._builder.create_network(self._network_flags())

    def build(self) -> dict[str, Any]:
        """Parse, configure, build, write the plan.

        Returns:
            {"version", "layers", "targets", "host", "log"}: what `Built` holds, as JSON.

        Raises:
            UnsupportedModel: the graph cannot be parsed or built; names node and reason.
            MachineError: this version lacks what was asked for.
            UnknownName: a target this TensorRT-RTX does not know.
        """
        self._parse()
        setup = Configuration(self._trt, self._builder, self._network, self._job, self._say)
        config = setup.make(strong=self._strong)
        plan = self._builder.build_serialized_network(self._network, config)
        if plan is None:
            raise self._build_failure()
        with whole_file(Path(self._job.plan)) as temporary:
            temporary.write_bytes(memoryview(plan))
        setup.save_timing_cache(config)
        return {
            "version": self._version,
            "layers": [layer.model_dump() for layer in self._layers(plan)],
            "targets": list(self._options.targets) if self._job.flavour == "tensorrt-rtx" else [],
            "typing": "strong" if self._strong else "weak",
            "log": self._remarks(),
        }

    def _is_strong(self) -> bool:
        flags = self._trt.NetworkDefinitionCreationFlag
        return member(flags, "STRONGLY_TYPED") is not None

    def _network_flags(self) -> int:
        flags, bits = self._trt.NetworkDefinitionCreationFlag, 0
        for name in ("EXPLICIT_BATCH", "STRONGLY_TYPED"):  # the first is gone in 11
            value = member(flags, name)
            bits |= 1 << int(value) if value is not None else 0
        return bits

    def _parse(self) -> None:
        path = self._job.model if self._strong else self._job.source
        if not path or not Path(path).is_file():
            raise UnsupportedModel(
                "this TensorRT cannot type a graph strongly and the bundle has no source.onnx",
                version=self._version,
                fix="TensorRT 10 or newer",
            )
        parser = self._trt.OnnxParser(self._network, self._logger)
        native = member(getattr(self._trt, "OnnxParserFlag", None), "NATIVE_INSTANCENORM")
        if self._is_portable() and native is not None:
            parser.set_flag(native)  # 8.6 would put a plugin there, which no such plan may hold
        if not parser.parse_from_file(str(path)):
            found = [parser.get_error(index) for index in range(parser.num_errors)]
            raise UnsupportedModel(
                f"{self._name()} cannot parse this graph",
                version=self._version,
                **_parser_facts(found),
                fix="edgecv check MODEL.onnx names the rewrite",
            )

    def _is_portable(self) -> bool:
        options = self._options
        return options.version_compatible or options.hardware_compatibility != "none"

    def _layers(self, plan: Any) -> tuple[Any, ...]:
        """From the log (RTX prints its final table), else from the inspector of the plan."""
        layers = layers_from_log(text for _, text in self._messages)
        if layers or self._job.flavour == "tensorrt-rtx":
            return layers
        runtime = self._trt.Runtime(self._logger)
        if self._options.version_compatible:
            runtime.engine_host_code_allowed = True  # made here, a moment ago
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None or not hasattr(engine, "create_engine_inspector"):
            return ()
        form = self._trt.LayerInformationFormat.JSON
        return layers_from_inspector(engine.create_engine_inspector().get_engine_information(form))

    def _build_failure(self) -> UnsupportedModel:
        text = self._errors()
        return UnsupportedModel(
            f"{self._name()} cannot build this graph",
            version=self._version,
            log=text or "the builder gave no reason",
            fix="less memory: --set build.workspace_mib=512"
            if _NO_MEMORY.search(text)
            else "edgecv check MODEL.onnx names the node",
        )

    def _remarks(self) -> list[str]:
        """What a user should know: the builder's warnings, and what its layer table hides."""
        said = [text for severity, text in self._messages if severity == "WARNING"][:8]
        if self._options.precision == "tf32":
            said.append("TF32 is allowed; which fp32 layers use it, the layer table does not tell")
        return said

    def _errors(self) -> str:
        found = [text.strip() for severity, text in self._messages if is_error(severity)]
        return " | ".join(found)[-1500:]

    def _name(self) -> str:
        return "TensorRT-RTX" if self._job.flavour == "tensorrt-rtx" else "TensorRT"

    def _log(self, severity: str, message: str) -> None:
        if severity != "VERBOSE" or "Layers:" in message:  # else a line for every tactic tried
            self._messages.append((severity, message))
        if severity != "VERBOSE":
            self._say(f"{severity}: {message}")


def _parser_facts(errors: list[Any]) -> dict[str, object]:
    """Node, operator and reason of the first parser error, by whatever names it offers."""
    if not errors:
        return {"reason": "the parser gave no reason"}
    first, facts = errors[0], {}
    for name, method in (("node", "node_name"), ("operator", "node_operator"), ("code", "code")):
        if hasattr(first, method):
            value = getattr(first, method)()
            facts[name] = tag(value) if name == "code" else value
    if "node" not in facts and hasattr(first, "node"):
        facts["node"] = f"number {first.node()}"
    facts["reason"] = " ".join(str(first.desc()).split())[:500]
    if len(errors) > 1:
        facts["more_errors"] = len(errors) - 1
    return facts
