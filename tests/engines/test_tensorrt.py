"""What TensorRT builds are asked for on a machine with a GPU (faked)."""

import pytest

from edgecv.cuda.driver import Device
from edgecv.engines import tensorrt
from edgecv.engines.tensorrt import build_engine, workspace_bytes
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
    model, options = tmp_path / "model.onnx", Build(precision="fp16", **options)
    return build_engine(model, tmp_path, options, (1, 1, 1), source=tmp_path / "source.onnx")


def test_the_timing_cache_is_named_by_version_and_device(jobs, tmp_path):
    build(tmp_path)
    assert jobs[0].timing_cache.endswith("edgecv/timing-10.3.0-sm87-NVIDIA_Orin.cache")
    build(tmp_path, timing_cache="mine.cache")
    assert jobs[1].timing_cache == "mine.cache"


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
