"""Execution contexts: addresses once, one stream each, scratch shared along a chain."""

import numpy as np
import pytest

from edgecv.engines.trt_context import Scratch
from edgecv.errors import MachineError, ShapeError, UnsupportedModel
from tests.engines.fake_tensorrt import VERSIONS

IMAGE = (1, 3, 8, 8)


def _bound(engine, **options):
    """A context with memory for all of its tensors."""
    session = engine.session
    context = engine.context(**options)
    arrays = {t.name: session.empty(t.shape, t.dtype) for t in (*context.inputs, *context.outputs)}
    context.bind(arrays)
    return context, arrays


def _run(session, context, arrays, images, stream):
    host = session.pinned(images.shape, images.dtype)
    np.copyto(host, images)
    arrays["images"].upload(host, stream)
    context.enqueue(stream)
    return session.download(arrays["logits"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_context_runs_on_device_memory_as_often_as_wanted(load, version, rng):
    engine, trt, _ = load(version)
    with engine.session.current():
        context, arrays = _bound(engine)
        stream = engine.session.stream()
        for _ in range(3):
            images = rng.standard_normal(IMAGE).astype(np.float32)
            got = _run(engine.session, context, arrays, images, stream)
            np.testing.assert_allclose(got, images.sum() + np.arange(10)[None], rtol=1e-4)
    assert len(trt.called("context.set_tensor_address")) == 2
    assert {handle for (handle,) in trt.called("context.execute_async_v3")} == {stream.handle}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_dynamic_engine_is_fixed_at_one_batch(load, version):
    engine, _, _ = load(version, batch=-1)
    with engine.session.current():
        assert engine.context(batch=2).outputs[0].shape == (2, 10)
        assert engine.context().inputs[0].shape == (4, 3, 8, 8)
        with pytest.raises(UnsupportedModel, match=r"1 to 4"):
            engine.context(batch=5)


def test_further_contexts_of_a_dynamic_engine_are_told_their_profile(load):
    """TensorRT 8.6 gives profile 0 to the first by itself; without one no shape can be set."""
    engine, trt, _ = load("8.6.2.3", batch=-1)
    with engine.session.current():
        assert [engine.context(batch=2).outputs[0].shape for _ in range(3)] == [(2, 10)] * 3
    assert [index for index, _ in trt.called("context.set_optimization_profile_async")] == [0, 0]


def test_contexts_that_share_no_profile_are_one(load):
    engine, _, _ = load("8.5.2.2", batch=-1, fails="profile")
    with engine.session.current():
        engine.context(batch=2)
        with pytest.raises(MachineError, match="in one context only"):
            engine.context(batch=2)


@pytest.mark.parametrize("version", VERSIONS)
def test_contexts_of_a_chain_share_one_block_as_large_as_the_largest_needs(load, version):
    engine, _, cuda = load(version, scratch=4000)
    session = engine.session
    with session.current():
        scratch, stream = Scratch(session), session.stream()
        scratch.require(100)
        chain = [_bound(engine, scratch=scratch) for _ in range(2)]
        before = len(cuda.memory)
        images = np.ones(IMAGE, np.float32)
        for context, arrays in chain:
            got = _run(session, context, arrays, images, stream)
            np.testing.assert_allclose(got[0], 192 + np.arange(10))
        assert len(cuda.memory) == before + 1
        assert scratch.block().nbytes == 4000
        scratch.close()
        assert len(cuda.memory) == before


def test_a_chain_cannot_grow_once_it_runs(load):
    engine, _, _ = load("10.3.0.26", scratch=4000)
    with engine.session.current():
        scratch = Scratch(engine.session)
        scratch.require(100)
        scratch.block()
        with pytest.raises(MachineError, match="open all of its engines before"):
            engine.context(scratch=scratch)


def test_a_context_stays_on_its_stream(load):
    engine, _, _ = load("10.3.0.26")
    with engine.session.current():
        context, _ = _bound(engine)
        context.enqueue(engine.session.stream())
        with pytest.raises(MachineError, match="stays on one stream"):
            context.enqueue(engine.session.stream())


def test_a_tensor_without_an_address_is_named_before_tensorrt_is_asked(load):
    engine, trt, _ = load("8.6.2.3")
    with engine.session.current():
        context = engine.context()
        context.bind({"images": engine.session.empty(IMAGE, "float32")})
        with pytest.raises(MachineError, match="logits"):
            context.enqueue(engine.session.stream())
    assert trt.called("context.execute_async_v3") == []


def test_arrays_of_another_shape_type_or_name_are_not_bound(load):
    engine, _, _ = load("8.6.2.3")
    with engine.session.current():
        context, empty = engine.context(), engine.session.empty
        with pytest.raises(ShapeError, match=r"float16"):
            context.bind({"images": empty(IMAGE, "float16")})
        with pytest.raises(ShapeError, match=r"\(2, 3, 8, 8\)"):
            context.bind({"images": empty((2, 3, 8, 8), "float32")})
        with pytest.raises(ShapeError, match="no tensor 'picture'"):
            context.bind({"picture": empty(IMAGE, "float32")})


@pytest.mark.parametrize(
    ("fails", "message"),
    [("shape", "refused an input shape"), ("address", "refused a tensor's address")],
)
def test_what_tensorrt_refuses_is_an_error(load, fails, message):
    engine, _, _ = load("10.3.0.26", batch=-1, fails=fails)
    with engine.session.current(), pytest.raises(MachineError, match=message):
        _bound(engine)


def test_rtx_says_whether_it_can_be_captured(load):
    for version, fails, want in (
        ("rtx 1.7.1", "", True),
        ("rtx 1.7.1", "stream", False),
        ("10.3.0.26", "", True),
    ):
        engine, _, _ = load(version, fails=fails)
        with engine.session.current():
            assert engine.context().capturable(engine.session.stream()) is want


def test_a_graph_replays_what_the_context_enqueued(load, rng):
    engine, trt, _ = load("10.3.0.26")
    session = engine.session
    with session.current():
        context, arrays = _bound(engine)
        stream, host = session.stream(), session.pinned(IMAGE, "float32")
        context.enqueue(stream)  # the warm-up
        stream.synchronize()
        graph = session.graph(stream, lambda: context.enqueue(stream))
        trt.log.clear()
        for _ in range(2):
            np.copyto(host, rng.standard_normal(IMAGE))
            arrays["images"].upload(host, stream)
            graph.launch(stream)
            got = session.download(arrays["logits"])
            np.testing.assert_allclose(got[0], host.sum() + np.arange(10), rtol=1e-4)
        assert trt.log == []
