"""Executing a plan: by name, with memory allocated once, one synchronisation a call."""

import sys
from types import ModuleType

import numpy as np
import pytest

from edgecv.cuda import driver as cuda_driver
from edgecv.engines import trt_run
from edgecv.engines.trt_run import TRUST, TensorRtEngine
from edgecv.errors import FileError, MachineError, MissingPackage, ShapeError, UnsupportedModel
from tests.engines.fake_tensorrt import VERSIONS, FakeTensorRT


@pytest.mark.parametrize("version", VERSIONS)
def test_arrays_go_in_and_come_out(load, version, rng):
    engine, trt, _ = load(version)
    images = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    got = engine.execute({"images": images})["logits"]
    np.testing.assert_allclose(got, images.sum() + np.arange(10)[None], rtol=1e-4)
    assert [(t.name, t.shape, t.dtype) for t in engine.inputs] == [
        ("images", (1, 3, 8, 8), "float32")
    ]
    assert len(trt.called("context.execute_async_v3")) == 1


def test_a_call_allocates_nothing_and_synchronises_once(load, rng):
    engine, trt, cuda = load("10.3.0.26")
    images = {"images": rng.standard_normal((1, 3, 8, 8)).astype(np.float32)}
    engine.execute(images)
    cuda.log.clear()
    trt.log.clear()
    engine.execute(images)
    assert cuda.log == [("push",), ("htod", 768), ("dtoh", 40), ("synchronize",), ("pop",)]
    assert [entry[0] for entry in trt.log] == ["context.execute_async_v3"]


def test_outputs_survive_later_calls(load):
    engine, _, _ = load("11.1.0.1")
    ones = {"images": np.ones((1, 3, 8, 8), np.float32)}
    kept = engine.execute(ones)["logits"]
    copy = kept.copy()
    engine.execute({"images": np.zeros((1, 3, 8, 8), np.float32)})
    np.testing.assert_array_equal(kept, copy)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_dynamic_batch_is_allocated_for_the_largest_and_shaped_each_call(load, version, rng):
    engine, trt, cuda = load(version, batch=-1)
    for batch in (1, 4, 4, 2):
        images = rng.standard_normal((batch, 3, 8, 8)).astype(np.float32)
        got = engine.execute({"images": images})["logits"]
        want = images.reshape(batch, -1).sum(1, keepdims=True) + np.arange(10)
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)
    assert ("mem_alloc", 4 * 3 * 8 * 8 * 4) in cuda.log
    shapes = [shape for _, shape in trt.called("context.set_input_shape")]
    assert shapes == [(n, 3, 8, 8) for n in (4, 1, 4, 2)]
    with pytest.raises(UnsupportedModel, match="batch is larger"):
        engine.execute({"images": np.zeros((5, 3, 8, 8), np.float32)})


def test_each_stream_has_its_own_context_once_it_is_needed(load):
    engine, trt, _ = load("10.3.0.26", streams=3)
    images = {"images": np.ones((1, 3, 8, 8), np.float32)}
    assert trt.called("engine.create_execution_context") == []
    engine._calls.get()  # another thread's, in flight
    for _ in range(3):
        engine.execute(images)
    assert len(trt.called("engine.create_execution_context")) == 1
    addresses = [address for _, address in trt.called("context.set_tensor_address")]
    assert len(set(addresses)) == 2


def test_close_frees_everything_once(load):
    engine, _, cuda = load("10.3.0.26", streams=2)
    engine.execute({"images": np.zeros((1, 3, 8, 8), np.float32)})
    engine.close()
    engine.close()
    assert cuda.memory == {}
    assert cuda.log.count(("detach",)) == 1
    assert cuda.depth == 0
    with pytest.raises(MachineError, match="was closed"):
        engine.execute({"images": np.zeros((1, 3, 8, 8), np.float32)})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plan_that_does_not_load_says_what_tensorrt_said(load, version):
    with pytest.raises(FileError, match="not compatible"):
        load(version, fails="deserialise")


def test_a_refused_run_is_an_error(load):
    engine, _, cuda = load("10.3.0.26", fails="run")
    with pytest.raises(MachineError, match="refused to run"):
        engine.execute({"images": np.zeros((1, 3, 8, 8), np.float32)})
    assert cuda.depth == 0


def test_wrong_inputs_are_named(load):
    engine, _, _ = load("10.3.0.26")
    with pytest.raises(ShapeError, match="float64"):
        engine.execute({"images": np.zeros((1, 3, 8, 8))})


@pytest.mark.parametrize(("trust", "want"), [("1", [(True,)]), ("", [])])
def test_code_inside_plans_runs_only_if_the_user_said_so(load, monkeypatch, trust, want):
    monkeypatch.setenv(TRUST, trust)
    _, trt, _ = load("8.6.2.3")
    assert trt.called("runtime.engine_host_code_allowed =") == want


@pytest.mark.parametrize("version", VERSIONS[:4])
def test_layers_come_from_the_inspector(load, version):
    engine, _, _ = load(version)
    assert engine.layers()[0].name == "conv0"


def test_without_a_device_it_says_so_before_anything_is_imported(tmp_path, monkeypatch):
    file = tmp_path / "engine.plan"
    file.write_bytes(b"the plan")
    monkeypatch.setattr(cuda_driver, "load_driver", lambda: None)
    with pytest.raises(MachineError, match="needs an NVIDIA GPU") as caught:
        TensorRtEngine(file, "tensorrt")
    assert caught.value.exit_code == 3


def test_without_pycuda_the_extra_is_named(tmp_path, monkeypatch):
    file = tmp_path / "engine.plan"
    file.write_bytes(b"the plan")
    monkeypatch.setattr(trt_run, "device_count", lambda: 1)
    monkeypatch.setattr(
        trt_run, "import_tensorrt", lambda flavour, to_build: FakeTensorRT("10.3.0.26")
    )
    monkeypatch.setitem(sys.modules, "pycuda", ModuleType("pycuda"))
    with pytest.raises(MissingPackage, match=r"edgecv\[cuda\]"):
        TensorRtEngine(file, "tensorrt")
