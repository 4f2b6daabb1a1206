"""A machine with a GPU that is not there: bundles whose plans run on the emulated device.

Fixtures of tests/conftest.py. The whole device path is real but for pycuda, libcuda and TensorRT.
"""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

FLAVOURS = {"tensorrt": "engine.plan", "tensorrt-rtx": "engine.rtx"}


@pytest.fixture
def plan_bundle(tiny_bundle, tmp_path):
    """`plan_bundle(kind, batch=…, model=…)`: a tiny bundle rebuilt as one with a plan."""

    from edgecv.bundle import open_bundle, seal
    from tests.engines.fake_tensorrt import ONNX_PLAN

    def make(kind, *, batch=(1, 1, 1), flavour="tensorrt", version="10.3.0.26", model=None):
        source = tiny_bundle(kind, batch=batch)
        folder = tmp_path / f"{kind}-{flavour}"
        shutil.copytree(source, folder)
        content = model or (folder / "model.onnx").read_bytes()
        (folder / FLAVOURS[flavour]).write_bytes(ONNX_PLAN + content)
        manifest = open_bundle(source).manifest
        changes = {"backend": flavour, "engine": FLAVOURS[flavour], "backend_version": version}
        seal(folder, manifest.model_copy(update=changes))
        return folder

    return make


@pytest.fixture
def machine(monkeypatch):
    """`machine(version, …)`: put a GPU with that TensorRT here; its fake driver and TensorRT."""
    from edgecv.engines import trt_match, trt_run
    from tests.cuda.device import install
    from tests.cuda_emulator.emulator import missing_compiler
    from tests.engines.fake_tensorrt import FakeTensorRT

    if reason := missing_compiler():
        pytest.skip(reason)

    def make(version="10.3.0.26", *, order="forward", integrated=False, **fake):
        cuda = install(monkeypatch, order=order, integrated=integrated)
        trt = FakeTensorRT(version, device=cuda, **fake)
        for module in (trt_run, trt_match):
            monkeypatch.setattr(module, "import_tensorrt", lambda flavour, to_build: trt)
        monkeypatch.setattr(trt_match, "backend_version", lambda flavour: trt.__version__)
        return SimpleNamespace(cuda=cuda, trt=trt)

    return make


@pytest.fixture
def on_gpu(machine, plan_bundle):
    """`on_gpu(kind, …)`: (model, machine, bundle folder) of a tiny bundle on the device path.

    Every model is closed at the end, and nothing may be left on the device.
    """
    from edgecv.runtime import load

    opened = []

    def make(kind, *, batch=(1, 1, 1), streams=1, version="10.3.0.26", **options):
        flavour = "tensorrt-rtx" if version.startswith("rtx") else "tensorrt"
        here = machine(version, **options)
        plain = version.removeprefix("rtx ")
        folder = plan_bundle(kind, batch=batch, flavour=flavour, version=plain)
        model = load(folder, streams=streams)
        opened.append((model, here))
        return model, here, folder

    yield make
    for model, here in opened:
        model.close()
        here.cuda.finish()
        assert here.cuda.memory == {}
        assert here.cuda.depth == 0


@pytest.fixture
def picture(rng):
    """`picture(height, width)`: grey noise with red squares in it, which the tiny nets can see."""

    def make(height, width):
        image = rng.integers(90, 130, (height, width, 3), dtype=np.uint8)
        for _ in range(3):
            y, x = rng.integers(0, height - 8), rng.integers(0, width - 8)
            image[y : y + height // 3, x : x + width // 3] = 0, 0, 255
        return image

    return make


def same(mine, other):
    """Two results say the same, up to the ops' tolerances (exp differs in its last bit)."""
    left, right = mine.to_dict(), other.to_dict()
    assert left.keys() == right.keys()
    for name in vars(mine):
        a, b = getattr(mine, name), getattr(other, name)
        if isinstance(a, np.ndarray):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4, err_msg=name)
        else:
            assert a == b, name
