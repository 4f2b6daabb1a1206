"""A tiny Mask R-CNN on the emulated GPU gives what the CPU path gives."""

import shutil

import numpy as np
import pytest

from edgecv.bundle import open_bundle, part_folder, seal
from edgecv.results import Instances
from edgecv.runtime import load
from edgecv.runtime.device.model import DeviceModel
from tests.engines.fake_tensorrt import ONNX_PLAN
from tests.gpu_machine import same

VERSION = "10.3.0.26"
PROFILE = (1, 2, 4)  # what the fake TensorRT's dynamic engines take


@pytest.fixture
def two_bundles(tmp_path):
    """The same cascade with ONNX engines, and with plans."""

    pytest.importorskip("onnx", reason="the tiny cascade is made of ONNX files: edgecv[export]")
    from tests.build.two_stage import make_bundle

    def make(**head):
        cpu = make_bundle(tmp_path / "cpu", **head)
        device = tmp_path / "plans"
        shutil.copytree(cpu, device)
        for name in open_bundle(cpu).manifest.parts:
            _as_plan(part_folder(device, name), PROFILE)
        _as_plan(device, (1, 1, 1))
        return cpu, device

    return make


def _as_plan(folder, batch):
    manifest = open_bundle(folder, check_digests=False).manifest
    content = (folder / "model.onnx").read_bytes()
    (folder / "engine.plan").write_bytes(ONNX_PLAN + content)
    changes = {"backend": "tensorrt", "engine": "engine.plan", "backend_version": VERSION}
    seal(folder, manifest.model_copy(update={**changes, "batch": batch}))


@pytest.fixture
def both(machine, two_bundles):
    """Models of both, closed at the end; nothing may be left on the device."""
    opened = []

    def make(**head):
        cpu, device = two_bundles(**head)
        here = machine(VERSION)
        models = load(cpu), load(device)
        opened.append((*models, here))
        assert isinstance(models[1], DeviceModel)
        return (*models, here)

    yield make
    for cpu, device, here in opened:
        device.close()
        cpu.close()
        here.cuda.finish()
        assert here.cuda.memory == {}


def equal(mine, other):
    same(mine.detections, other.detections)
    np.testing.assert_allclose(mine.regions, other.regions, rtol=1e-5, atol=1e-3)
    for a, b in zip(mine.soft, other.soft, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)


def test_results_are_those_of_the_cpu_path(both, rng):
    cpu, device, _ = both(proposals=4, max_detections=3, score=0.3)
    for size in ((64, 64), (40, 90), (64, 64), (64, 64)):
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        found, wanted = device(image), cpu(image)
        assert isinstance(found, Instances)
        equal(found, wanted)
    assert len(wanted)


def test_later_stages_are_captured_and_what_comes_back_is_small(both, rng):
    _, device, here = both(proposals=4, max_detections=3, score=0.3)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for _ in range(3):
        device(image)
    before = len(here.cuda.log)
    device(image)
    calls = here.cuda.log[before:]
    assert not [call for call in calls if call[0] in ("launch", "mem_alloc")]  # all in graphs
    copied = [call[1] for call in calls if call[0] == "dtoh"]
    assert sum(copied) < 4 * (28 * 28 * 4 + 200)


def test_nothing_found_runs_no_mask_stage(both, rng):
    cpu, device, _ = both(proposals=4, max_detections=3, score=1.0)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for _ in range(2):
        found = device(image)
        assert len(found) == len(cpu(image)) == 0
        assert found.masks().shape == (0, 64, 64)


def test_more_proposals_than_the_engine_takes_are_counted(both, rng):
    cpu, device, _ = both(proposals=20, max_detections=3, score=0.0)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert device(image).overflow == cpu(image).overflow + 20 - PROFILE[2] > 0


def test_streams_and_times_go_through_every_stage(both, rng):
    cpu, device, _ = both(proposals=4, max_detections=3, score=0.3)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    wanted = cpu(image)
    for found in device.stream([image] * 3):
        equal(found, wanted)
    found, spans = device.timed(image)
    equal(found, wanted)
    assert set(spans) == {"pre_ms", "engine_ms", "post_ms"}
