"""One builder for every TensorRT: what it calls exists in that version, and is what must be."""

import pytest

from edgecv.engines.trt_build import PlanBuilder
from edgecv.engines.trt_job import Job
from edgecv.errors import MachineError, UnknownName, UnsupportedModel
from edgecv.recipe import Build
from tests.engines.fake_tensorrt import STRONG, VERSIONS, WEAK, FakeTensorRT

TENSORRT = VERSIONS[:4]


@pytest.fixture
def make(tmp_path):
    """Run one build against a fake version; returns (result, the fake)."""
    for name in ("model.onnx", "source.onnx"):
        (tmp_path / name).write_bytes(b"x")

    def run(
        version, *, source=True, batch=(1, 1, 1), workspace=0, cache=True, fake=None, **options
    ):
        trt = FakeTensorRT(version, **(fake or {}))
        options.setdefault("precision", "fp32")
        rtx = version.startswith("rtx")
        job = Job(
            flavour="tensorrt-rtx" if rtx else "tensorrt",
            model=str(tmp_path / "model.onnx"),
            source=str(tmp_path / "source.onnx") if source else "",
            plan=str(tmp_path / "engine.plan"),
            options=Build(**options).model_dump(mode="json"),
            batch=batch,
            timing_cache=str(tmp_path / "timing.cache"),
            workspace_bytes=workspace,
        )
        said = []
        trt.said = said
        trt.plan_builder = PlanBuilder(job, said.append, trt)
        return trt.plan_builder.build(), trt

    return run


def flags(trt, call):
    return {flag.name for (flag,) in trt.called(f"config.{call}")}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "int8"])
def test_every_version_builds_every_precision(make, version, precision, tmp_path):
    result, trt = make(version, precision=precision)
    assert (tmp_path / "engine.plan").read_bytes() == b"the plan"
    assert result["version"] == trt.__version__
    assert result["typing"] == ("weak" if version in WEAK else "strong")


@pytest.mark.parametrize("version", VERSIONS)
def test_tf32_is_off_unless_asked_for(make, version):
    for precision in ("fp32", "fp16", "int8"):
        _, trt = make(version, precision=precision)
        assert "TF32" in flags(trt, "clear_flag")
        assert "TF32" not in flags(trt, "set_flag")
    _, trt = make(version, precision="tf32")
    assert "TF32" in flags(trt, "set_flag")


@pytest.mark.parametrize("version", STRONG)
def test_where_typing_is_strong_the_typed_graph_is_parsed_without_flags(make, version):
    _, trt = make(version, precision="int8", rest="fp16")
    (path,) = trt.called("parser.parse_from_file")[0]
    assert path.endswith("model.onnx")
    bit = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    assert trt.called("builder.create_network")[0][0] & bit
    assert not flags(trt, "set_flag") & {"FP16", "INT8", "OBEY_PRECISION_CONSTRAINTS"}


@pytest.mark.parametrize("version", WEAK)
@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({"precision": "fp32"}, set()),
        ({"precision": "fp16"}, {"FP16", "OBEY_PRECISION_CONSTRAINTS"}),
        ({"precision": "int8"}, {"INT8"}),
        ({"precision": "int8", "rest": "fp16"}, {"INT8", "FP16", "OBEY_PRECISION_CONSTRAINTS"}),
    ],
    ids=["fp32", "fp16", "int8", "int8+fp16"],
)
def test_where_typing_is_weak_flags_and_constraints_say_it(make, version, options, want):
    _, trt = make(version, **options)
    (path,) = trt.called("parser.parse_from_file")[0]
    assert path.endswith("source.onnx")
    bits = trt.called("builder.create_network")[0][0]
    assert bits == 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    assert flags(trt, "set_flag") == want
    stated = [entry[0] for entry in trt.log if entry[0].endswith(".precision =")]
    half = "FP16" in want
    assert stated == (["layer hidden.precision =", "layer logits.precision ="] if half else [])
    assert len(trt.called("layer hidden.set_output_type")) == half
    assert trt.called("layer logits.set_output_type") == []  # outputs stay fp32
    assert trt.called("layer shape.set_output_type") == []


@pytest.mark.parametrize("version", WEAK)
def test_weak_typing_needs_the_portable_form(make, version):
    with pytest.raises(UnsupportedModel, match=r"no source\.onnx"):
        make(version, source=False)


@pytest.mark.parametrize("version", TENSORRT)
def test_the_timing_cache_is_read_and_written(make, version, tmp_path):
    _, trt = make(version)
    assert trt.called("config.create_timing_cache") == [(b"",)]
    assert (tmp_path / "timing.cache").read_bytes() == b"timings"
    _, trt = make(version)
    assert trt.called("config.create_timing_cache") == [(b"timings",)]
    assert trt.called("config.set_timing_cache")[0][1] is False  # a mismatch is not ignored


def test_rtx_has_no_timing_cache_but_targets(make):
    _, trt = make("rtx 1.7.1", targets=("sm86", "sm120"))
    assert trt.called("config.create_timing_cache") == []
    asked = [(what.name, index) for what, index in trt.called("config.set_compute_capability")]
    assert asked == [("SM86", 0), ("SM120", 1)]
    assert trt.called("config.num_compute_capabilities =") == [(2,)]


def test_rtx_refuses_a_target_it_does_not_know(make):
    with pytest.raises(UnknownName, match="sm86"):
        make("rtx 1.7.1", targets=("sm87",))


@pytest.mark.parametrize("version", VERSIONS)
def test_only_a_dynamic_batch_gets_a_profile(make, version):
    _, trt = make(version)
    assert trt.called("config.add_optimization_profile") == []
    _, trt = make(version, batch=(1, 2, 4), fake={"batch": -1})
    want = ("images", (1, 3, 8, 8), (2, 3, 8, 8), (4, 3, 8, 8))
    assert trt.called("profile.set_shape") == [want]
    assert len(trt.called("config.add_optimization_profile")) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_the_workspace_is_limited_when_known(make, version):
    _, trt = make(version, workspace=1 << 30)
    ((pool, size),) = trt.called("config.set_memory_pool_limit")
    assert (pool.name, size) == ("WORKSPACE", 1 << 30)


@pytest.mark.parametrize("version", VERSIONS[2:])
def test_progress_is_told_where_there_is_a_monitor(make, version):
    _, trt = make(version)
    assert [line for line in trt.said if line.startswith("PROGRESS")] == [
        "PROGRESS: Building 0/2",
        "PROGRESS: Building 1/2",
        "PROGRESS: Building 2/2",
    ]


@pytest.mark.parametrize(
    ("version", "options", "lacks"),
    [
        ("8.5.2.2", {"version_compatible": True}, "VERSION_COMPATIBLE"),
        ("8.5.2.2", {"hardware_compatibility": "ampere_plus"}, "HardwareCompatibilityLevel"),
        ("8.5.2.2", {"optimization_level": 5}, "builder_optimization_level"),
        ("10.3.0.26", {"hardware_compatibility": "same_compute_capability"}, "SAME_COMPUTE"),
        ("11.1.0.1", {"dla_core": 0}, "DLA core"),
    ],
)
def test_what_a_version_lacks_is_said_not_skipped(make, version, options, lacks):
    with pytest.raises(MachineError, match=lacks):
        make(version, **options)


def test_what_a_version_has_is_passed_on(make):
    _, trt = make(
        "8.6.2.3",
        version_compatible=True,
        hardware_compatibility="ampere_plus",
        optimization_level=5,
        dla_core=1,
        precision="fp16",
        fake={"dla": 2},
    )
    assert {"VERSION_COMPATIBLE", "GPU_FALLBACK"} <= flags(trt, "set_flag")
    assert trt.called("config.hardware_compatibility_level =")[0][0].name == "AMPERE_PLUS"
    assert trt.called("config.builder_optimization_level =") == [(5,)]
    assert trt.called("config.DLA_core =") == [(1,)]
    assert trt.called("config.default_device_type =")[0][0].name == "DLA"
    _, trt = make("11.1.0.1", hardware_compatibility="same_compute_capability")
    level = trt.called("config.hardware_compatibility_level =")[0][0]
    assert level.name == "SAME_COMPUTE_CAPABILITY"


@pytest.mark.parametrize("version", TENSORRT)
def test_layers_come_from_the_inspector(make, version):
    result, _ = make(version)
    want = "fp16" if version in WEAK else "int8"
    assert [(layer["name"], layer["precision"]) for layer in result["layers"]] == [("conv0", want)]


@pytest.mark.parametrize("version", VERSIONS[1:4])
def test_layers_of_a_version_compatible_plan_are_read_too(make, version):
    """Its code runs at once: it was made here."""
    result, trt = make(version, version_compatible=True)
    assert [layer["name"] for layer in result["layers"]] == ["conv0"]
    _, trt = make(version)
    assert trt.called("runtime.engine_host_code_allowed =") == []


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize(
    "options",
    [{}, {"version_compatible": True}, {"hardware_compatibility": "ampere_plus"}],
    ids=["plain", "any-version", "any-card"],
)
def test_plans_for_elsewhere_hold_no_plugin_for_instance_norm(make, version, options):
    """TensorRT 8.6's parser takes a plugin unless it is told; from 10.0 on it is told already."""
    _, trt = make(version, **options)
    asked = [flag.name for (flag,) in trt.called("parser.set_flag")]
    assert asked == (["NATIVE_INSTANCENORM"] if options else [])


def test_what_a_builder_tries_is_not_kept(make):
    """A line for every tactic: hundreds of megabytes on a board that shares its memory."""
    _, trt = make("10.3.0.26")
    assert trt.plan_builder._messages == []
    trt.plan_builder._log("VERBOSE", "Layers:\nName: a, LayerType: b")
    assert len(trt.plan_builder._messages) == 1


@pytest.mark.parametrize(
    ("said", "memory"),
    [
        ("Error Code 2: OutOfMemory (Requested size was 2147483648 bytes.)", True),
        ("There may not be enough free memory for allocation to succeed.", True),
        ("CUDA out of memory", True),
        ("Could not find any implementation for node classroom_zoom", False),
    ],
)
def test_less_workspace_is_the_advice_only_where_memory_was_short(make, said, memory, monkeypatch):
    def refuse(self, network, config):
        self._tell(said)

    monkeypatch.setattr(FakeTensorRT, "_build", refuse)
    with pytest.raises(UnsupportedModel, match="cannot build") as caught:
        make("10.3.0.26")
    assert ("workspace_mib" in caught.value.fix) == memory


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("fails", "error", "says"),
    [
        ("driver", MachineError, "error: 35"),
        ("parse", UnsupportedModel, "no such operator"),
        ("build", UnsupportedModel, "Could not find any implementation"),
    ],
)
def test_failures_carry_what_tensorrt_said(make, version, fails, error, says, tmp_path):
    with pytest.raises(error, match=says):
        make(version, fake={"fails": fails})
    assert not (tmp_path / "engine.plan").exists()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refused_node_is_named_as_well_as_the_version_can(make, version):
    with pytest.raises(UnsupportedModel, match="cannot parse") as caught:
        make(version, fake={"fails": "parse"})
    assert caught.value.facts["node"] == ("number 4" if version in WEAK else "the_node")


@pytest.mark.parametrize(
    ("version", "gone"),
    [
        ("10.3.0.26", ("config", "max_workspace_size")),
        ("11.1.0.1", ("BuilderFlag", "FP16")),
        ("11.1.0.1", ("NetworkDefinitionCreationFlag", "EXPLICIT_BATCH")),
        ("8.5.2.2", ("NetworkDefinitionCreationFlag", "STRONGLY_TYPED")),
    ],
)
def test_the_fakes_themselves_refuse_what_was_removed(version, gone):
    trt = FakeTensorRT(version)
    owner = trt._config() if gone[0] == "config" else getattr(trt, gone[0])
    with pytest.raises(AttributeError, match=gone[1]):
        getattr(owner, gone[1])
