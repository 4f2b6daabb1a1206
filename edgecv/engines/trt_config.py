"""How a TensorRT builder is configured: precision, compatibility, targets, DLA, caches."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecv.engines.trt_api import capability, make_progress, member, need
from edgecv.engines.trt_job import Job
from edgecv.engines.trt_weak import constrain_layers
from edgecv.errors import IoFailed, MachineError, UnsupportedModel
from edgecv.files import whole_file
from edgecv.recipe import Build

OWN_TACTICS = "EDGECV_OWN_TACTICS"  # set to 1: a machine with TensorRT 8 but without cuBLAS, cuDNN


class Configuration:
    """Turns a job's options into an IBuilderConfig of whatever version is here."""

    def __init__(
        self, trt: Any, builder: Any, network: Any, job: Job, say: Callable[[str], None]
    ) -> None:
        """Take the module, its builder, the parsed network and the job; `say` gets progress."""
        self._trt, self._builder, self._network, self._job = trt, builder, network, job
        self._say, self._version = say, str(trt.__version__)
        self._options = Build.model_validate(job.options)

    def make(self, *, strong: bool) -> Any:
        """The builder's configuration.

        Args:
            strong: Whether the network is strongly typed; else flags and layers state precision.

        Raises:
            MachineError: this version lacks what was asked for.
            UnknownName: a target this TensorRT-RTX does not know.
            UnsupportedModel: a dynamic dimension other than the batch.
        """
        config = self._builder.create_builder_config()
        self._set_precision(config, strong)
        if self._options.sparse:
            flags = self._trt.BuilderFlag
            config.set_flag(need(flags, "SPARSE_WEIGHTS", "sparse weights", self._version))
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
        self._set_tactics(config)
        if self._options.aux_streams >= 0:
            need(config, "max_aux_streams", "limit of auxiliary streams", self._version)
            config.max_aux_streams = self._options.aux_streams
        monitor = make_progress(self._trt, self._progress)
        if monitor is not None and hasattr(config, "progress_monitor"):
            config.progress_monitor = monitor
        return config

    def _set_precision(self, config: Any, strong: bool) -> None:
        """TF32 off unless asked for; the flags of weak typing where there is no strong one."""
        flags, options = self._trt.BuilderFlag, self._options
        tf32 = member(flags, "TF32")
        if tf32 is not None:
            (config.set_flag if options.precision == "tf32" else config.clear_flag)(tf32)
        if strong:
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

    def _set_tactics(self, config: Any) -> None:
        """Only TensorRT's own kernels if the user says that cuBLAS and cuDNN are not there."""
        sources = getattr(self._trt, "TacticSource", None)
        if os.environ.get(OWN_TACTICS) != "1" or not hasattr(config, "set_tactic_sources"):
            return
        own = (member(sources, name) for name in ("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"))
        config.set_tactic_sources(sum(1 << int(source) for source in own if source is not None))

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
        """The targets; and that nothing is allocated while running, or no graph could hold it."""
        flag = member(self._trt.BuilderFlag, "REQUIRE_USER_ALLOCATION")
        if flag is not None:
            config.set_flag(flag)
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
            if config.add_optimization_profile(profile) < 0:
                raise UnsupportedModel("TensorRT refused the batch range", batch=self._job.batch)
            self._share_profile(config)

    def _share_profile(self, config: Any) -> None:
        """Several contexts at once on one profile: asked for in 8.6, given from 10 on."""
        feature = member(getattr(self._trt, "PreviewFeature", None), "PROFILE_SHARING_0806")
        if feature is not None and hasattr(config, "set_preview_feature"):
            config.set_preview_feature(feature, True)

    def _load_timing_cache(self, config: Any) -> None:
        if not self._job.timing_cache or not hasattr(config, "create_timing_cache"):
            return
        try:
            known = Path(self._job.timing_cache).read_bytes()
        except OSError:  # most often not there yet
            known = b""
        if known and not self._attach_timings(config, known):
            self._say("NOTE: the timing cache is of another device or version: a new one is begun")
            known = b""
        if not known:
            self._attach_timings(config, known)

    def _attach_timings(self, config: Any, content: bytes) -> bool:
        cache = config.create_timing_cache(content)
        return cache is not None and bool(config.set_timing_cache(cache, ignore_mismatch=False))

    def save_timing_cache(self, config: Any) -> None:
        """Keep what the builder measured for the next build; a disk that refuses is no error."""
        if self._job.flavour == "tensorrt-rtx" or not self._job.timing_cache:
            return
        cache = config.get_timing_cache() if hasattr(config, "get_timing_cache") else None
        if cache is None:
            return
        try:
            with whole_file(Path(self._job.timing_cache)) as temporary:
                temporary.write_bytes(memoryview(cache.serialize()))
        except IoFailed as err:
            self._say(f"NOTE: the timing cache was not kept: {err.what}")

    def _progress(self, phase: str, step: int, steps: int) -> None:
        self._say(f"PROGRESS: {phase} {step}/{steps}")
