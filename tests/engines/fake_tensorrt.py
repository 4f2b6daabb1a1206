"""TensorRT as it looked in each version: only the names that version's binding has, and a log.

The names are those of the public bindings (facts/tensorrt.md 5.1 and 5.2; RTX: `dir()` of 1.7.1).
Anything else raises AttributeError, to read and to set, as pybind11 objects do.
"""

from types import SimpleNamespace

import numpy as np

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
    "profiling_verbosity"
)
_ENGINE = (
    "num_io_tensors get_tensor_name get_tensor_mode get_tensor_dtype get_tensor_shape "
    "get_tensor_profile_shape create_execution_context create_engine_inspector num_layers"
)
_CONTEXT = (
    "set_input_shape get_tensor_shape set_tensor_address execute_async_v3 infer_shapes execute_v2"
)
_ONLY = {  # version -> kind -> names
    "8.5.2.2": {
        "network_flags": "EXPLICIT_BATCH EXPLICIT_PRECISION",
        "flags": f"{_FLAGS_8} {_CONSTRAINTS}",
        "config": f"{_CONFIG_8} max_workspace_size int8_calibrator",
        "engine": f"{_ENGINE} num_bindings get_binding_name get_binding_shape binding_is_input",
        "context": f"{_CONTEXT} execute execute_async execute_async_v2",
        "layer": "type name num_outputs get_output precision set_output_type",
        "runtime": "deserialize_cuda_engine DLA_core",
        "compat": "",
        "error": "desc node code file line func",
    },
    "8.6.2.3": {
        "network_flags": "EXPLICIT_BATCH EXPLICIT_PRECISION",
        "flags": f"{_FLAGS_8} {_CONSTRAINTS} VERSION_COMPATIBLE EXCLUDE_LEAN_RUNTIME",
        "config": f"{_CONFIG_8} builder_optimization_level hardware_compatibility_level",
        "engine": f"{_ENGINE} num_bindings get_binding_name",
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
        "engine": _ENGINE,
        "context": _CONTEXT,
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
        "engine": _ENGINE,
        "context": _CONTEXT,
        "layer": "type name num_outputs get_output",
        "runtime": "deserialize_cuda_engine engine_host_code_allowed load_runtime",
        "compat": "NONE AMPERE_PLUS SAME_COMPUTE_CAPABILITY",
        "error": "desc node node_name node_operator code file line func",
    },
    "rtx 1.7.1": {
        "network_flags": "STRONGLY_TYPED",
        "flags": f"{_FLAGS_11} REQUIRE_USER_ALLOCATION",
        "config": f"{_CONFIG_8} builder_optimization_level progress_monitor max_aux_streams "
        "num_compute_capabilities set_compute_capability",
        "engine": _ENGINE,
        "context": f"{_CONTEXT} is_stream_capturable",
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

    def __init__(self, version, *, batch=1, fails="", dla=0, device=None):
        self.__version__ = version.removeprefix("rtx ")
        self.log, self._only, self._batch = [], _ONLY[version], batch
        self._fails, self._dla, self._device = fails, dla, device
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
        self.ILogger = type("ILogger", (), {})
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
        self._logger = logger
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
            "parse_from_file num_errors get_error",
            self.log,
            parse_from_file=lambda path: self._fails != "parse",
            num_errors=1,
            get_error=lambda index: error,
        )

    def Runtime(self, logger):
        self._logger = logger
        return Strict(
            "runtime", self._only["runtime"], self.log, deserialize_cuda_engine=self._engine
        )

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
            self._logger.log(Member("ERROR", 1), "Could not find any implementation for node odd")
            return None
        monitor = config._have.get("progress_monitor")
        if monitor is not None:
            monitor.phase_start("Building", None, 2)
            assert monitor.step_complete("Building", 1) is True
            monitor.phase_finish("Building")
        return b"the plan"

    def _engine(self, plan):
        if self._fails == "deserialise":
            self._logger.log(Member("ERROR", 1), "The engine plan file is not compatible")
            return None
        text = INSPECTOR["8" if self.__version__[0] == "8" else "11"]
        inspector = Strict(
            "inspector",
            "get_engine_information",
            self.log,
            get_engine_information=lambda form: text,
        )
        shapes = {"images": (self._batch, 3, 8, 8), "logits": (self._batch, 10)}
        return Strict(
            "engine",
            self._only["engine"],
            self.log,
            num_io_tensors=2,
            get_tensor_name=lambda index: list(shapes)[index],
            get_tensor_mode=lambda name: Member("INPUT" if name == "images" else "OUTPUT", 1),
            get_tensor_dtype=lambda name: self.DataType.FLOAT,
            get_tensor_shape=lambda name: shapes[name],
            get_tensor_profile_shape=lambda name, index: [(n, 3, 8, 8) for n in (1, 2, 4)],
            create_execution_context=lambda: self._context(dict(shapes)),
            create_engine_inspector=lambda: inspector,
        )

    def _context(self, shapes):
        addresses = {}

        def set_input_shape(name, shape):
            shapes.update(images=tuple(shape), logits=(shape[0], 10))
            return True

        def execute(handle):
            """logits[n, c] = sum of image n, plus c: what the caller's arrays must lead to."""
            if self._fails == "run":
                return False
            where, shape = dict(addresses), shapes["images"]

            def run():
                images = self._device.read(where["images"], shape)
                sums = images.reshape(len(images), -1).sum(1, keepdims=True)
                self._device.write(where["logits"], sums + np.arange(10, dtype=np.float32))

            self._device.submit(handle, run)
            return True

        return Strict(
            "context",
            self._only["context"],
            self.log,
            set_input_shape=set_input_shape,
            get_tensor_shape=lambda name: shapes[name],
            set_tensor_address=lambda name, address: bool(addresses.update({name: address})) or 1,
            execute_async_v3=execute,
        )
