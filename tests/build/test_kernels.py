"""Bundles for GPUs carry compiled kernels; a machine without a compiler builds without them."""

import pytest

from edgecv.build import kernels
from edgecv.build.kernels import add_kernels
from edgecv.bundle import KERNELS, open_bundle, seal
from edgecv.cuda import cubins
from edgecv.cuda.cubins import origin_of, read_cubin
from edgecv.errors import MachineError
from edgecv.runtime.device.decoders import kernel_sources


@pytest.fixture
def manifest(tiny_bundle):
    """A classifier's manifest, as if it were built for some GPUs."""
    own = open_bundle(tiny_bundle("classify")).manifest

    def make(*targets, backend="tensorrt-rtx"):
        return own.model_copy(update={"backend": backend, "targets": targets})

    return make


@pytest.fixture
def compiled(monkeypatch):
    """What is asked of the compiler; `missing` is what it refuses."""
    asked, missing = [], set()

    def precompile(sources, capabilities, folder):
        if missing & set(capabilities):
            raise MachineError("no NVRTC here compiles for this device")
        asked.append((tuple(sources), *capabilities))
        return ()

    monkeypatch.setattr(kernels, "precompile", precompile)
    return asked, missing


def test_every_kernel_is_there_for_every_target(manifest, tmp_path):
    try:
        cubins.find_nvrtc("sm86")
    except MachineError as err:
        pytest.skip(err.what)
    made = manifest("sm86", "sm89")
    assert add_kernels(tmp_path, made) == ("sm86", "sm89")
    files = sorted((tmp_path / KERNELS).iterdir())
    assert len(files) == 2 * len(kernel_sources(made.head))
    assert {origin_of(read_cubin(file))[0] for file in files} >= {"ops/letterbox/letterbox.cu"}
    seal(tmp_path, made)
    names = {file.relative_to(tmp_path).as_posix() for file in files}
    assert names <= set(open_sealed(tmp_path).files)


def open_sealed(folder):
    import json

    from edgecv.bundle import Manifest

    return Manifest.model_validate(json.loads((folder / "manifest.json").read_text()))


def test_a_machine_without_a_compiler_says_so(manifest, tmp_path, compiled, monkeypatch):
    said = []
    monkeypatch.setattr(kernels, "note", said.append)
    _, missing = compiled
    missing |= {"sm89", "sm120"}
    assert add_kernels(tmp_path, manifest("sm86", "sm89", "sm120")) == ("sm86",)
    assert len(said) == 1
    assert "sm89, sm120" in said[0]


def test_an_engine_for_newer_gpus_too_gets_the_known_ones(manifest, tmp_path, compiled):
    asked, _ = compiled
    assert add_kernels(tmp_path, manifest("sm87+", backend="tensorrt"))[:3] == (
        "sm87",
        "sm89",
        "sm90",
    )
    assert len(asked) == 5


def test_cpu_bundles_carry_none(manifest, tmp_path, compiled):
    assert add_kernels(tmp_path, manifest("sm86", backend="openvino")) == ()
    assert compiled[0] == []
    assert list(tmp_path.iterdir()) == []
