"""TensorRT as it looked in each version: only the names that version's binding has, and a log.

The names are those of the public bindings (facts/tensorrt.md 5.1 and 5.2; RTX: `dir()` of 1.7.1).
Anything else raises AttributeError, to read and to set, as pybind11 objects do.

A plan that begins with `ONNX_PLAN` holds an ONNX file behind it: then the engine has that graph's
tensors, and `execute_async_v3` puts a run of ONNX Runtime on the memory at the bound addresses into
the fake stream, where a capture records it like any other work. Any other plan is a network of one
sum.
"""

import weakref
from types import SimpleNamespace

import numpy as np

ONNX_PLAN = b"a plan of "
PORTABLE_PLAN = b"a version-compatible plan"  # loads where its code may run
VERSIONS = ("8.5.2.2", "8.6.2.3", "10.3.0.26", "11.1.0.1", "rtx 1.7.1")
WEAK = VERSIONS[:2]
STRONG = VERSIONS[2:]

_FLAGS_8 = "FP16 INT8 DEBUG GPU_FALLBACK REFIT TF32 SPARSE_WEIGHTS SAFETY_SCOPE DIRECT_IO"
_CONSTRAINTS = "OBEY_PRECISION_CONSTRAINTS PREFER_PRECISION_CONSTRAINTS REJECT_EMPTY_ALGORITHMS"
_FLAGS_11 = (
    "DEBUG GPU_FALLBACK REFIT TF32 SPARSE_WEIGHTS SAFETY_SCOPE DIRECT_IO VERSION_COMPATIBLE "
    "EXCLUDE_LEAN_RUNTIME STRIP_PLAN EDITABLE_TIMING_CACHE ERROR_ON_TIMING_CACHE_MISS"
)
_CONFIG_8 = (
    "set_flag clear_flag get_flag flags set_memory_pool_limit add_optimization_profile "
    "create_timing_cache set_timing_cache get_timing_cache default_device_type DLA_core "
    "profiling_verbosity set_tactic_sources"
)
_ENGINE = (
    "num_io_tensors get_tensor_name get_tensor_mode get_tensor_dtype get_tensor_shape "
    "get_tensor_profile_shape create_execution_context create_engine_inspector num_layers"
)
_CONTEXT = (
    "set_input_shape get_tensor_shape set_tensor_address execute_async_v3 infer_shapes execute_v2 "
    "device_memory active_optimization_profile set_optimization_profile_async"
)
_SCRATCH_8 = "device_memory_size create_execution_context_without_device_memory"
_RUNTIME_CONFIG = (
    "set_execution_context_allocation_strategy get_execution_context_allocation_strategy"
)
_ONLY = {  # version -> kind -> names
    "8.5.2.2": {
        "network_flags": "EXPLICIT_BATCH EXPLICIT_PRECISION",
        "flags": f"{_FLAGS_8} {_CONSTRAINTS}",
        "config": f"{_CONFIG_8} max_workspace_size int8_calibrator",
        "engine": f"{_ENGINE} {_SCRATCH_8} num_bindings get_binding_name get_binding_shape "
        "binding_is_input",
        "context": f"{_CONTEXT} execute execute_async execute_async_v2",
        "layer": "type name num_outputs get_output precision set_output_type",
        "runtime": "deserialize_cuda_engine DLA_core",
        "compat": "",
        "error": "desc node code file line func",
    },
    "8.6.2.3": {
        "network_flags": "EXPLICIT_BATCH EXPLICIT_PRECISION",
        "flags": f"{_FLAGS_8} {_CONSTRAINTS} VERSION_COMPATIBLE EXCLUDE_LEAN_RUNTIME",
        "config": f"{_CONFIG_8} builder_optimization_level hardware_compatibility_level "
        "max_aux_streams set_preview_feature",
        "engine": f"{_ENGINE} {_SCRATCH_8} num_bindings get_binding_name",
        "context": f"{_CONTEXT} execute execute_async execute_async_v2",
        "layer": "type name num_outputs get_output precision set_output_type",
        "runtime": "deserialize_cuda_engine engine_host_code_allowed load_runtime",
        "compat": "NONE AMPERE_PLUS",
        "error": "desc node code file line func",
    },
    "10.3.0.26": {
        "network_flags": "EXPLICIT_BATCH STRONGLY_TYPED",
        "flags": f"{_FLAGS_8} {_CONSTRAINTS} BF16 FP8 VERSION_COMPATIBLE STRIP_PLAN",
        "config": f"{_CONFIG_8} builder_optimization_level hardware_compatibility_level "
        "progress_monitor max_aux_streams",
        "engine": f"{_ENGINE} {_SCRATCH_8} device_memory_size_v2",
        "context": f"{_CONTEXT} set_device_memory set_aux_streams",
        "strategies": "STATIC ON_PROFILE_CHANGE USER_MANAGED",
        "layer": "type name num_outputs get_output precision set_output_type",
        "runtime": "deserialize_cuda_engine engine_host_code_allowed load_runtime",
        "compat": "NONE AMPERE_PLUS",
        "error": "desc node node_name node_operator code file line func",
    },
    "11.1.0.1": {
        "network_flags": "STRONGLY_TYPED",
        "flags": _FLAGS_11,
        "config": f"{_CONFIG_8} builder_optimization_level hardware_compatibility_level "
        "progress_monitor max_aux_streams build_route",
        "engine": f"{_ENGINE} device_memory_size_v2 create_runtime_config",
        "context": f"{_CONTEXT} set_device_memory set_aux_streams",
        "strategies": "STATIC ON_PROFILE_CHANGE USER_MANAGED",
        "runtime_config": _RUNTIME_CONFIG,
        "layer": "type name num_outputs get_output",
        "runtime": "deserialize_cuda_engine engine_host_code_allowed load_runtime",
        "compat": "NONE AMPERE_PLUS SAME_COMPUTE_CAPABILITY",
        "error": "desc node node_name node_operator code file line func",
    },
    "rtx 1.7.1": {
        "network_flags": "STRONGLY_TYPED",
        "flags": f"{_FLAGS_11} REQUIRE_USER_ALLOCATION",
        "config": f"{_CONFIG_8} builder_optimization_level hardware_compatibility_level "
        "progress_monitor max_aux_streams num_compute_capabilities set_compute_capability",
        "engine": f"{_ENGINE} device_memory_size_v2 create_runtime_config",
        "context": f"{_CONTEXT} set_device_memory set_aux_streams is_stream_capturable",
        "strategies": "STATIC ON_PROFILE_CHANGE USER_MANAGED",
        "runtime_config": f"{_RUNTIME_CONFIG} create_runtime_cache get_runtime_cache "
        "set_runtime_cache cuda_graph_strategy",
        "layer": "type name num_outputs get_output",
        "runtime": "deserialize_cuda_engine engine_host_code_allowed get_engine_validity",
        "compat": "NONE AMPERE_PLUS",
        "error": "desc node node_name node_operator code file line func",
    },
}
REMOVED = ("execute_async_v2", "num_bindings", "get_binding_name", "max_workspace_size")


class Strict:
    """An object with the given names only; every call and assignment goes to the log."""

    def __init__(self, kind, allowed, log, **have):
        object.__setattr__(self, "_kind", kind)
        object.__setattr__(self, "_allowed", set(allowed.split()))
        object.__setattr__(self, "_log", log)
        object.__setattr__(self, "_have", have)

    def __getattr__(self, name):
        if name not in self._allowed:
            raise AttributeError(f"'{self._kind}' object has no attribute '{name}'")
        value = self._have.get(name)
        if callable(value):

            def call(*arguments, **options):
                self._log.append((f"{self._kind}.{name}", *arguments, *options.values()))
                return value(*arguments, **options)

            return call
        return value

    def __setattr__(self, name, value):
        if name not in self._allowed:
            raise AttributeError(f"'{self._kind}' object has no attribute '{name}'")
        self._log.append((f"{self._kind}.{name} =", value))
        self._have[name] = value


class Member:
    """An enum member: has a name, and an integer that is nobody's business."""

    def __init__(self, name, value):
        self.name, self._value = name, value

    def __int__(self):
        return self._value

    def __repr__(self):
        return self.name


def enum(names, first=0):
    return SimpleNamespace(
        **{name: Member(name, first + at) for at, name in enumerate(names.split())}
    )


INSPECTOR = {
    "8": '{"Layers": [{"Name": "conv0", "LayerType": "CaskConvolution", "Inputs": [{"Name": "x", '
    '"Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}]}]}',
    "11": '{"Layers": [{"Name": "conv0", "LayerType": "conv", "Inputs": [{"Name": "x", '
    '"Format": "Linear", "Datatype": "Int8"}]}], "I/O Tensors": []}',
}


class FakeTensorRT:
    """The module `tensorrt` (or `tensorrt_rtx`) of one version."""

    def __init__(self, version, *, batch=1, fails="", dla=0, device=None, scratch=1000):
        self.__version__ = version.removeprefix("rtx ")
        self.log, self._only, self._batch = [], _ONLY[version], batch
        self._fails, self._dla, self._device = fails, dla, device
        self._contexts, self._logger = 0, None
        self._scratch, self.compiled = scratch, []  # bytes; RTX's runtime caches
        only = self._only
        self.NetworkDefinitionCreationFlag = enum(only["network_flags"])
        self.BuilderFlag = enum(only["flags"], first=3)
        self.MemoryPoolType = enum("WORKSPACE DLA_MANAGED_SRAM")
        self.ProfilingVerbosity = enum("LAYER_NAMES_ONLY NONE DETAILED")
        self.DeviceType = enum("GPU DLA")
        self.DataType = enum("FLOAT HALF INT8 INT32 BOOL")
        self.LayerType = enum("CONVOLUTION ACTIVATION SHAPE CONSTANT MATRIX_MULTIPLY")
        self.LayerInformationFormat = enum("ONELINE JSON")
        self.TensorIOMode = enum("NONE INPUT OUTPUT")
        sources = "CUBLAS CUBLAS_LT CUDNN " if version[0] in "81" and version[:2] != "11" else ""
        self.TacticSource = enum(f"{sources}EDGE_MASK_CONVOLUTIONS JIT_CONVOLUTIONS")
        if version.startswith("8.6"):
            self.PreviewFeature = enum("FASTER_DYNAMIC_SHAPES_0805 PROFILE_SHARING_0806")
        if not version.startswith("8.5"):
            self.OnnxParserFlag = enum("NATIVE_INSTANCENORM")
        self.ILogger = type("ILogger", (), {})
        if "strategies" in only:
            self.ExecutionContextAllocationStrategy = enum(only["strategies"])
        if only["compat"]:
            self.HardwareCompatibilityLevel = enum(only["compat"])
        if not version.startswith("8"):
            self.IProgressMonitor = type("IProgressMonitor", (), {})
        if version.startswith("rtx"):
            self.ComputeCapability = enum("NONE CURRENT SM75 SM80 SM86 SM89 SM120 SM121")

    def called(self, name):
        return [entry[1:] for entry in self.log if entry[0] == name]

    def Builder(self, logger):
        if self._fails == "driver":
            logger.log(Member("ERROR", 1), "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        self._take(logger)
        names = "create_network create_builder_config create_optimization_profile "
        names += "build_serialized_network num_DLA_cores"
        return Strict(
            "builder",
            names,
            self.log,
            create_network=lambda bits=0: self._network(),
            create_builder_config=self._config,
            create_optimization_profile=lambda: Strict(
                "profile", "set_shape", self.log, set_shape=lambda *a: None
            ),
            build_serialized_network=self._build,
            num_DLA_cores=self._dla,
        )

    def OnnxParser(self, network, logger):
        error = Strict(
            "parser_error",
            self._only["error"],
            self.log,
            desc=lambda: "no such operator",
            node=lambda: 4,
            node_name=lambda: "the_node",
            node_operator=lambda: "Odd",
            code=lambda: Member("UNSUPPORTED_NODE", 8),
        )
        return Strict(
            "parser",
            "parse_from_file num_errors get_error set_flag",
            self.log,
            set_flag=lambda flag: None,
            parse_from_file=lambda path: self._fails != "parse",
            num_errors=1,
            get_error=lambda index: error,
        )

    def Runtime(self, logger):
        self._take(logger)

        def deserialize(plan):
            allowed = made._have.get("engine_host_code_allowed")
            return self._engine(plan, allowed=bool(allowed))

        made = Strict(
            "runtime",
            self._only["runtime"],
            self.log,
            deserialize_cuda_engine=deserialize,
            logger=logger,  # a runtime keeps its own alive
        )
        return made

    def _take(self, logger):
        """Keep the first logger's pointer, not the logger: as TensorRT's plugin registry does."""
        if logger is not None and self._logger is None:
            self._logger = weakref.ref(logger)

    def _tell(self, message, severity="ERROR"):
        logger = self._logger()
        assert logger is not None, "TensorRT calls a logger that is gone"
        logger.log(Member(severity, 1), message)

    def _network(self):
        tensor = SimpleNamespace(name="images", shape=(self._batch, 3, 8, 8))
        layers = [
            self._layer("CONVOLUTION", "hidden", "FLOAT"),
            self._layer("SHAPE", "shape", "INT32"),
            self._layer("ACTIVATION", "logits", "FLOAT"),
        ]
        self.layers = layers
        return Strict(
            "network",
            "num_inputs get_input num_outputs get_output num_layers get_layer",
            self.log,
            num_inputs=1,
            get_input=lambda index: tensor,
            num_outputs=1,
            get_output=lambda index: SimpleNamespace(name="logits"),
            num_layers=len(layers),
            get_layer=lambda index: layers[index],
        )

    def _layer(self, kind, output, dtype):
        tensor = SimpleNamespace(name=output, dtype=getattr(self.DataType, dtype))
        return Strict(
            f"layer {output}",
            self._only["layer"],
            self.log,
            type=getattr(self.LayerType, kind),
            num_outputs=1,
            get_output=lambda at: tensor,
            set_output_type=lambda at, dtype: None,
        )

    def _config(self):
        cache = SimpleNamespace(serialize=lambda: b"timings")
        return Strict(
            "config",
            self._only["config"],
            self.log,
            builder_optimization_level=3,
            max_aux_streams=7,
            set_tactic_sources=lambda bits: True,
            set_preview_feature=lambda feature, on: None,
            set_flag=lambda flag: None,
            clear_flag=lambda flag: None,
            set_memory_pool_limit=lambda pool, size: None,
            add_optimization_profile=lambda profile: 0,
            create_timing_cache=lambda content: cache,
            set_timing_cache=lambda cache, ignore_mismatch: True,
            get_timing_cache=lambda: cache,
            set_compute_capability=lambda capability, index: True,
        )

    def _build(self, network, config):
        if self._fails == "build":
            self._tell("Could not find any implementation for node odd")
            return None
        monitor = config._have.get("progress_monitor")
        if monitor is not None:
            monitor.phase_start("Building", None, 2)
            assert monitor.step_complete("Building", 1) is True
            monitor.phase_finish("Building")
        for tactic in range(100):
            self._tell(f"Tactic: {tactic} Time: 0.1", "VERBOSE")
        flags = [flag.name for (flag,) in self.called("config.set_flag")]
        return PORTABLE_PLAN if "VERSION_COMPATIBLE" in flags else b"the plan"

    def _engine(self, plan, *, allowed):
        if self._fails == "deserialise" or (bytes(plan) == PORTABLE_PLAN and not allowed):
            self._tell("The engine plan file is not compatible")
            return None
        text = INSPECTOR["8" if self.__version__[0] == "8" else "11"]
        inspector = Strict(
            "inspector",
            "get_engine_information",
            self.log,
            get_engine_information=lambda form: text,
        )
        network = _network(bytes(memoryview(plan)), self._batch)
        names = [*network.inputs, *network.outputs]

        def context(*strategy):
            return self._context(network, strategy)

        return Strict(
            "engine",
            self._only["engine"],
            self.log,
            num_io_tensors=len(names),
            get_tensor_name=lambda index: names[index],
            get_tensor_mode=lambda name: Member("INPUT" if name in network.inputs else "OUTPUT", 1),
            get_tensor_dtype=lambda name: getattr(self.DataType, network.types[name]),
            get_tensor_shape=lambda name: network.shapes[name],
            get_tensor_profile_shape=lambda name, index: [
                (n, *network.shapes[name][1:]) for n in (1, 2, 4)
            ],
            create_execution_context=context,
            create_execution_context_without_device_memory=lambda: context("none"),
            device_memory_size=self._scratch,
            device_memory_size_v2=self._scratch,
            create_runtime_config=self._runtime_config,
            create_engine_inspector=lambda: inspector,
        )

    def _runtime_config(self):
        def cache():
            def deserialize(blob):
                self.compiled.append(bytes(blob))
                return self._fails != "cache"

            return Strict(
                "runtime_cache",
                "deserialize serialize reset",
                self.log,
                deserialize=deserialize,
                serialize=lambda: b"compiled kernels",
            )

        return Strict(
            "runtime_config",
            self._only["runtime_config"],
            self.log,
            set_execution_context_allocation_strategy=lambda strategy: None,
            create_runtime_cache=cache,
            set_runtime_cache=lambda cache: True,
        )

    def _context(self, network, strategy):
        """A context; the addresses of a run are those bound when it was enqueued."""
        addresses, shapes = {}, dict(network.shapes)
        self._contexts += 1
        first = self._contexts == 1 or not self.__version__.startswith("8.")

        def set_profile(index, handle):
            made._have["active_optimization_profile"] = index
            return self._fails != "profile"

        bare = any(getattr(s, "name", s) in ("none", "USER_MANAGED") for s in strategy)
        given = {"memory": not bare}  # in 10.1 and later; before, an attribute is set

        def set_input_shape(name, shape):
            if self._fails == "shape" or made._have["active_optimization_profile"] < 0:
                return False
            shapes.update({other: (shape[0], *shapes[other][1:]) for other in shapes})
            shapes[name] = tuple(shape)
            return True

        def set_tensor_address(name, address):
            addresses[name] = address
            return self._fails != "address"

        def execute(handle):
            has_memory = given["memory"] or made._have.get("device_memory")
            if self._fails == "run" or set(addresses) != set(shapes) or not has_memory:
                return False
            if self._fails == "capture" and self._device.streams.all[handle].capture:
                return False
            capture = self._device.streams.all[handle].capture
            if self._fails == "silently" and capture:  # it allocates, and does not ask how it went
                capture.broken = "cudaMalloc"
                return True
            bound, sides = dict(addresses), dict(shapes)
            self._device.submit(handle, lambda: self._compute(network, bound, sides))
            return True

        made = Strict(
            "context",
            self._only["context"],
            self.log,
            set_input_shape=set_input_shape,
            get_tensor_shape=lambda name: shapes[name],
            set_tensor_address=set_tensor_address,
            active_optimization_profile=0 if first else -1,
            set_optimization_profile_async=set_profile,
            set_device_memory=lambda address, size: given.update(memory=size >= self._scratch),
            is_stream_capturable=lambda handle: self._fails != "stream",
            execute_async_v3=execute,
        )
        return made

    def _compute(self, network, bound, shapes):
        inputs = {
            name: self._device.read(bound[name], shapes[name], numpy_type(network.types[name]))
            for name in network.inputs
        }
        for name, array in network.run(inputs).items():
            self._device.write(bound[name], array, numpy_type(network.types[name]))


def numpy_type(name):
    return {"FLOAT": np.float32, "HALF": np.float16, "INT32": np.int32}[name]


class _Sum:
    """logits[n, c] = sum of image n, plus c: what the caller's arrays must lead to."""

    inputs, outputs = ("images",), ("logits",)
    types = {"images": "FLOAT", "logits": "FLOAT"}  # noqa: RUF012

    def __init__(self, batch):
        self.shapes = {"images": (batch, 3, 8, 8), "logits": (batch, 10)}

    def run(self, inputs):
        images = inputs["images"]
        sums = images.reshape(len(images), -1).sum(1, keepdims=True)
        return {"logits": sums + np.arange(10, dtype=np.float32)}


class _Onnx:
    """An ONNX file, executed by ONNX Runtime."""

    def __init__(self, content):
        import onnxruntime

        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.outputs = tuple(value.name for value in self._session.get_outputs())
        self.shapes, self.types = {}, {}
        kinds = {"tensor(float)": "FLOAT", "tensor(float16)": "HALF"}
        for value in (*self._session.get_inputs(), *self._session.get_outputs()):
            sides = tuple(side if isinstance(side, int) else -1 for side in value.shape)
            self.shapes[value.name], self.types[value.name] = sides, kinds[value.type]

    def run(self, inputs):
        return dict(zip(self.outputs, self._session.run(None, inputs), strict=True))


def _network(plan, batch):
    return _Onnx(plan.removeprefix(ONNX_PLAN)) if plan.startswith(ONNX_PLAN) else _Sum(batch)
