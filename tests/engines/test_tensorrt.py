"""What TensorRT builds are asked for on a machine with a GPU (faked)."""

from types import SimpleNamespace

import pytest

from edgecv.cuda.driver import Device
from edgecv.engines import tensorrt, trt_match
from edgecv.engines.tensorrt import build_engine, require_match, workspace_bytes
from edgecv.errors import FileError, MachineError, UsageError
from edgecv.recipe import Build

ORIN = Device("NVIDIA Orin", "sm87", integrated=True)
CARD = Device("NVIDIA RTX A4000", "sm86")


@pytest.fixture
def jobs(monkeypatch, tmp_path):
    """Builds are written down instead of made."""
    made = []

    def build(job):
        made.append(job)
        return {"version": "10.3.0", "layers": [], "log": [], "typing": "strong"}

    monkeypatch.setattr(tensorrt, "build_in_child", build)
    monkeypatch.setattr(tensorrt, "devices", lambda: (ORIN,))
    monkeypatch.setattr(tensorrt, "installed_version", lambda flavour: "10.3.0")
    (tmp_path / "model.onnx").write_bytes(b"x")
    return made


def build(tmp_path, **options):
    model, batch = tmp_path / "model.onnx", options.pop("batch", (1, 1, 1))
    asked = Build(**{"precision": "fp16", **options})
    return build_engine(model, tmp_path, asked, batch, source=tmp_path / "source.onnx")


def test_the_timing_cache_is_named_by_version_and_device(jobs, tmp_path):
    build(tmp_path)
    assert jobs[0].timing_cache.endswith("edgecv/timing-10.3.0-sm87-NVIDIA_Orin.cache")
    build(tmp_path, timing_cache="mine.cache")
    assert jobs[1].timing_cache == "mine.cache"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"precision": "fp32"}, "fp16 and int8 only"),
        ({"precision": "tf32"}, "fp16 and int8 only"),
        ({"batch": (1, 2, 4)}, "one batch size"),
    ],
)
def test_a_dla_is_not_asked_for_what_it_cannot_run(jobs, tmp_path, options, match):
    """With fallback the whole network would run on the GPU, and nobody would know."""
    with pytest.raises(UsageError, match=match):
        build(tmp_path, dla_core=0, **options)
    build(tmp_path, **options)
    build(tmp_path, dla_core=0, batch=(2, 2, 2))
    assert len(jobs) == 2


@pytest.mark.parametrize(
    ("options", "targets", "host"),
    [
        ({}, ("sm87",), {}),
        ({"hardware_compatibility": "ampere_plus"}, ("sm80+",), {}),
        ({"version_compatible": True}, ("sm87",), {"version_compatible": "yes"}),
    ],
    ids=["plain", "ampere", "any-version"],
)
def test_what_an_engine_fits_is_recorded(jobs, tmp_path, options, targets, host):
    built = build(tmp_path, **options)
    assert built.targets == targets
    assert dict(built.host) == {"gpu": "NVIDIA Orin", "typing": "strong", **host}
    assert (built.engine, built.version) == ("engine.plan", "10.3.0")


def test_the_workspace_asked_for_beats_what_is_free(jobs, tmp_path):
    build(tmp_path, workspace_mib=256)
    assert jobs[0].workspace_bytes == 256 << 20
    build(tmp_path)
    assert jobs[1].workspace_bytes > 0  # half of MemAvailable: the device shares the memory


def test_a_card_counts_its_own_free_memory(monkeypatch):
    monkeypatch.setattr(tensorrt, "free_bytes", lambda: 6 << 30)
    assert workspace_bytes(CARD.integrated) == 3 << 30


def test_building_without_a_gpu_says_how_it_is_done(jobs, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorrt, "devices", lambda: ())
    with pytest.raises(MachineError, match="edgecv build BUNDLE"):
        build(tmp_path)
    assert jobs == []


def test_a_graph_that_is_not_there_is_said_before_any_device_is_looked_for(tmp_path):
    with pytest.raises(FileError, match="ONNX file"):
        build_engine(tmp_path / "none.onnx", tmp_path, Build(precision="fp16"), (1, 1, 1))


def test_what_the_builder_said_becomes_the_result(jobs, tmp_path, monkeypatch):
    layer = {"name": "conv0", "type": "conv", "precision": "fp16"}
    said = {"version": "10.3.0", "layers": [layer], "log": ["a line"], "typing": "weak"}
    monkeypatch.setattr(tensorrt, "build_in_child", lambda job: said)
    built = build(tmp_path)
    assert [(found.name, found.precision) for found in built.layers] == [("conv0", "fp16")]
    assert built.log == ("a line",)


@pytest.mark.parametrize(
    ("host", "here", "fits"),
    [
        ({}, "10.3.0", True),
        ({}, "10.4.0", False),
        ({"version_compatible": "yes"}, "10.4.0", True),
        ({"version_compatible": "yes"}, "10.2.0", False),
    ],
    ids=["same", "newer", "any-newer", "any-older"],
)
def test_an_engine_of_any_version_may_meet_a_newer_one_only(monkeypatch, host, here, fits):
    monkeypatch.setattr(trt_match, "installed_version", lambda flavour: here)
    monkeypatch.setattr(trt_match, "devices", lambda: (ORIN,))
    manifest = SimpleNamespace(
        backend="tensorrt", backend_version="10.3.0", targets=("sm87",), host=host
    )
    assert (require_match(manifest) == {}) == fits


def test_a_jetsons_power_mode_is_part_of_the_timing_caches_name(jobs, tmp_path, monkeypatch):
    status = tmp_path / "status"
    assert tensorrt.power_mode(status) == ""
    status.write_text("pmode:0002 fmode:fanNull\n")
    assert tensorrt.power_mode(status) == "pmode0002"
    monkeypatch.setattr(tensorrt, "power_mode", lambda: "pmode0002")
    model = tmp_path / "m.onnx"
    model.write_bytes(b"graph")
    built = tensorrt.build_engine(model, tmp_path, Build(precision="fp16"), (1, 1, 1))
    assert jobs[0].timing_cache.endswith("NVIDIA_Orin-pmode0002.cache")
    assert dict(built.host)["power_mode"] == "pmode0002"
