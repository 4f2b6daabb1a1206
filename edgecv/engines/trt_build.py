"""From an ONNX file to a TensorRT or TensorRT-RTX plan, in this process.

Called in a child process (`trt_child`), because a builder that crashes or runs out of memory must
not take edgecv with it. RTX builds were run on a machine without a GPU; the other flavours were
not run on a GPU: they are tested against fakes with each version's names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgecv.engines.trt_api import (
    capability,
    import_tensorrt,
    is_error,
    make_logger,
    make_progress,
    member,
    need,
    tag,
)
from edgecv.engines.trt_layers import layers_from_inspector, layers_from_log
from edgecv.engines.trt_weak import constrain_layers
from edgecv.errors import MachineError, UnsupportedModel
from edgecv.files import whole_file
from edgecv.recipe import Build

_MIB = 1 << 20


@dataclass(frozen=True)
class Job:
    """One build.

    Attributes:
        flavour: `tensorrt` or `tensorrt-rtx`.
        model: The typed ONNX file.
        source: The portable form for versions without strong typing; may be missing.
        plan: Where the plan goes.
        options: The recipe's build section.
        batch: (min, opt, max) of a dynamic batch.
        timing_cache: File of the timing cache; empty: none.
        workspace_bytes: Workspace limit; 0: the builder's own.
    """

    flavour: str
    model: str
    source: str
    plan: str
    options: dict[str, Any]
    batch: tuple[int, int, int]
    timing_cache: str = ""
    workspace_bytes: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the child process."""
        return asdict(self)


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
        config = self._config()
        plan = self._builder.build_serialized_network(self._network, config)
        if plan is None:
            raise self._build_failure()
        with whole_file(Path(self._job.plan)) as temporary:
            temporary.write_bytes(memoryview(plan))
        self._save_timing_cache(config)
        return {
            "version": self._version,
            "layers": [layer.model_dump() for layer in self._layers(plan)],
            "targets": list(self._options.targets) if self._job.flavour == "tensorrt-rtx" else [],
            "typing": "strong" if self._strong else "weak",
            "log": self._remarks(),
        }

    # -- network ---------------------------------------------------------------------------------

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
        if not parser.parse_from_file(str(path)):
            found = [parser.get_error(index) for index in range(parser.num_errors)]
            raise UnsupportedModel(
                f"{self._name()} cannot parse this graph",
                version=self._version,
                **_parser_facts(found),
                fix="edgecv check MODEL.onnx names the rewrite",
            )

    # -- configuration ---------------------------------------------------------------------------

    def _config(self) -> Any:
        config = self._builder.create_builder_config()
        self._set_precision(config)
        self._set_compatibility(config)
        self._set_profile(config)
        if self._job.flavour == "tensorrt-rtx":
            self._set_targets(config)
        else:
            self._set_dla(config)
            self._load_timing_cache(config)
        verbosity = getattr(self._trt, "ProfilingVerbosity", None)
        if verbosity is not None and hasattr(config, "profiling_verbosity"):
            config.profiling_verbosity = verbosity.DETAILED
        if self._job.workspace_bytes and hasattr(config, "set_memory_pool_limit"):
            pool = self._trt.MemoryPoolType.WORKSPACE
            config.set_memory_pool_limit(pool, self._job.workspace_bytes)
        if self._options.optimization_level >= 0:
            need(config, "builder_optimization_level", "optimization level", self._version)
            config.builder_optimization_level = self._options.optimization_level
        monitor = make_progress(self._trt, self._progress)
        if monitor is not None and hasattr(config, "progress_monitor"):
            config.progress_monitor = monitor
        return config

    def _set_precision(self, config: Any) -> None:
        """TF32 off unless asked for; the flags of weak typing where there is no strong one."""
        flags, options = self._trt.BuilderFlag, self._options
        tf32 = member(flags, "TF32")
        if tf32 is not None:
            (config.set_flag if options.precision == "tf32" else config.clear_flag)(tf32)
        if self._strong:
            return
        quantized = options.precision in ("int8", "mixed")
        half = options.precision == "fp16" or (quantized and options.rest == "fp16")
        for wanted, name in ((half, "FP16"), (quantized, "INT8")):
            if wanted:
                config.set_flag(need(flags, name, name, self._version))
        if half:
            config.set_flag(need(flags, "OBEY_PRECISION_CONSTRAINTS", "constraints", self._version))
            constrain_layers(self._trt, self._network)

    def _set_compatibility(self, config: Any) -> None:
        options, flags = self._options, self._trt.BuilderFlag
        if options.version_compatible:
            flag = need(flags, "VERSION_COMPATIBLE", "version compatibility", self._version)
            config.set_flag(flag)
        if options.hardware_compatibility != "none":
            levels = need(
                self._trt, "HardwareCompatibilityLevel", "hardware compatibility", self._version
            )
            name = options.hardware_compatibility.upper()
            level = need(levels, name, f"hardware compatibility {name}", self._version)
            config.hardware_compatibility_level = level

    def _set_dla(self, config: Any) -> None:
        core = self._options.dla_core
        if core < 0:
            return
        cores = getattr(self._builder, "num_DLA_cores", 0)
        if core >= cores:
            raise MachineError("this machine has no such DLA core", asked=core, cores=cores)
        config.default_device_type = self._trt.DeviceType.DLA
        config.DLA_core = core
        if self._options.gpu_fallback:
            config.set_flag(self._trt.BuilderFlag.GPU_FALLBACK)

    def _set_targets(self, config: Any) -> None:
        targets = self._options.targets
        config.num_compute_capabilities = len(targets)
        for index, target in enumerate(targets):
            config.set_compute_capability(capability(self._trt, target), index)

    def _set_profile(self, config: Any) -> None:
        """One optimisation profile over the batch, if the batch is dynamic."""
        profile = None
        for index in range(self._network.num_inputs):
            tensor = self._network.get_input(index)
            shape = tuple(tensor.shape)
            if -1 not in shape:
                continue
            if -1 in shape[1:]:
                raise UnsupportedModel(
                    "only the batch may be dynamic", input=tensor.name, shape=shape
                )
            profile = profile or self._builder.create_optimization_profile()
            low, opt, high = ((batch, *shape[1:]) for batch in self._job.batch)
            profile.set_shape(tensor.name, low, opt, high)
        if profile is not None:
            config.add_optimization_profile(profile)

    # -- timing cache ----------------------------------------------------------------------------

    def _load_timing_cache(self, config: Any) -> None:
        if not self._job.timing_cache or not hasattr(config, "create_timing_cache"):
            return
        path = Path(self._job.timing_cache)
        cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
        if cache is not None and not config.set_timing_cache(cache, ignore_mismatch=False):
            self._say("the timing cache is of another device or version: not used")

    def _save_timing_cache(self, config: Any) -> None:
        if self._job.flavour == "tensorrt-rtx" or not self._job.timing_cache:
            return
        cache = config.get_timing_cache() if hasattr(config, "get_timing_cache") else None
        if cache is not None:
            with whole_file(Path(self._job.timing_cache)) as temporary:
                temporary.write_bytes(memoryview(cache.serialize()))

    # -- what came out ---------------------------------------------------------------------------

    def _layers(self, plan: Any) -> tuple[Any, ...]:
        """From the log (RTX prints its final table), else from the inspector of the plan."""
        layers = layers_from_log(text for _, text in self._messages)
        if layers or self._job.flavour == "tensorrt-rtx":
            return layers
        engine = self._trt.Runtime(self._logger).deserialize_cuda_engine(plan)
        if engine is None or not hasattr(engine, "create_engine_inspector"):
            return ()
        form = self._trt.LayerInformationFormat.JSON
        return layers_from_inspector(engine.create_engine_inspector().get_engine_information(form))

    def _build_failure(self) -> UnsupportedModel:
        text = self._errors()
        memory = any(word in text.lower() for word in ("out of memory", "cudamalloc", "oom"))
        return UnsupportedModel(
            f"{self._name()} cannot build this graph",
            version=self._version,
            log=text or "the builder gave no reason",
            fix="less memory: --set build.workspace_mib=512"
            if memory
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
        self._messages.append((severity, message))
        if severity != "VERBOSE":
            self._say(f"{severity}: {message}")

    def _progress(self, phase: str, step: int, steps: int) -> None:
        self._say(f"PROGRESS: {phase} {step}/{steps}")


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
