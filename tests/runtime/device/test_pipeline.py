"""What one frame costs in calls, frames in flight, and what happens when the device fails."""

import threading

import numpy as np
import pytest

from edgecv.errors import MachineError, ShapeError
from edgecv.runtime import load
from edgecv.runtime.device.frame import frame_of
from edgecv.runtime.device.pipeline import DevicePipeline
from edgecv.runtime.device.program import NO_GRAPH
from tests.gpu_machine import same

ALLOCATES = {"mem_alloc", "pagelocked_empty", "free", "memcpy_htod", "memcpy_dtoh", "memset_d8"}
WAITS = {"synchronize", "event_synchronize", "is_done"}


def _names(log):
    return [entry[0] for entry in log]


def test_a_frame_is_one_copy_one_graph_and_one_synchronisation(on_gpu, picture):
    model, here, _ = on_gpu("centernet")
    model(picture(64, 64))
    here.cuda.log.clear()
    here.trt.log.clear()
    model(picture(48, 90))  # another size: nothing is captured anew
    calls = _names(here.cuda.log)
    assert calls.count("htod") == 2  # the frame, and its parameter block
    assert calls.count("graph_launch") == 1
    assert [name for name in calls if name in WAITS] == ["event_synchronize"]
    assert not set(calls) & ALLOCATES
    assert here.trt.log == []  # no address, no shape, no enqueue: all is in the graph


def test_addresses_are_set_once_and_the_engine_enqueued_twice_before_all_frames(on_gpu, picture):
    model, here, _ = on_gpu("centernet")
    for _ in range(5):
        model(picture(64, 64))
    assert len(here.trt.called("context.set_tensor_address")) == 4
    assert len(here.trt.called("context.execute_async_v3")) == 2  # the warm-up and the capture
    assert len(here.trt.called("engine.create_execution_context")) == 1


def test_a_hundred_frames_allocate_nothing(on_gpu, picture):
    model, here, _ = on_gpu("classify")
    images = [picture(32, 32), picture(20, 44)]
    for image in images:
        model(image)
    session = model.engine.session
    before, live = session.allocated_bytes, len(here.cuda.host_memory.live)
    here.cuda.log.clear()
    for index in range(100):
        model(images[index % 2])
    assert not set(_names(here.cuda.log)) & ALLOCATES
    assert (session.allocated_bytes, len(here.cuda.host_memory.live)) == (before, live)


@pytest.mark.parametrize("kind", ["classify", "centernet", "dense"])
def test_a_graph_gives_what_eager_work_gives(on_gpu, picture, monkeypatch, kind):
    images = [picture(64, 64), picture(33, 57)]
    captured, _, _ = on_gpu(kind)
    with_graph = [captured(image) for image in images]
    captured.close()
    monkeypatch.setenv(NO_GRAPH, "1")
    with load(captured.bundle.folder) as eager:
        for image, result in zip(images, with_graph, strict=True):
            assert eager(image).to_dict() == result.to_dict()


@pytest.mark.parametrize(
    ("version", "fails"),
    [("10.3.0.26", "capture"), ("10.3.0.26", "silently"), ("rtx 1.7.1", "stream")],
)
def test_an_engine_that_cannot_be_captured_runs_between_two_graphs(
    on_gpu, tiny_bundle, picture, version, fails
):
    model, here, _ = on_gpu("centernet", version=version, fails=fails)
    image = picture(64, 64)
    model(image)
    here.cuda.log.clear()
    here.trt.log.clear()
    with load(tiny_bundle("centernet")) as cpu:
        same(model(image), cpu(image))
    assert _names(here.cuda.log).count("graph_launch") == 2
    assert len(here.trt.called("context.execute_async_v3")) == 1


def test_a_frame_larger_than_ever_is_captured_anew(on_gpu, tiny_bundle, picture):
    model, here, _ = on_gpu("classify")
    model(picture(32, 32))
    large = np.zeros((1100, 1930, 3), np.uint8)
    large[:500] = 0, 255, 0
    wide = np.full((4, 4000, 3), 77, np.uint8)  # wider than the letterbox plan was made for
    here.cuda.log.clear()
    with load(tiny_bundle("classify")) as cpu:
        for image in (large, wide):
            same(model(image), cpu(image))
    assert _names(here.cuda.log).count("begin_capture") == 2
    here.cuda.log.clear()
    model(large)
    assert not set(_names(here.cuda.log)) & (ALLOCATES | {"begin_capture"})


def test_results_of_a_stream_come_in_order_with_no_more_in_flight_than_the_ring(
    on_gpu, tiny_bundle, picture
):
    model, _, _ = on_gpu("centernet")
    images = [picture(40 + 7 * index, 64) for index in range(7)]
    taken, ahead = [0], []

    def source():
        for image in images:
            taken[0] += 1
            yield image

    with load(tiny_bundle("centernet")) as cpu:
        for index, result in enumerate(model.stream(source())):
            ahead.append(taken[0] - index - 1)
            same(result, cpu(images[index]))
    assert len(ahead) == 7
    assert max(ahead) == 2  # the one in flight, and the next, taken but waiting


def test_a_stream_left_early_gives_its_slots_back(on_gpu, picture):
    model, _, _ = on_gpu("classify")
    for _ in range(3):
        frames = model.stream(picture(32, 32) for _ in range(5))
        next(frames)
        frames.close()
    assert len(list(model.stream([picture(32, 32)] * 4))) == 4


def test_a_ring_copies_on_a_stream_of_its_own(on_gpu, picture):
    model, here, _ = on_gpu("classify")
    list(model.stream([picture(32, 32)] * 3))
    here.cuda.log.clear()
    assert len(list(model.stream([picture(32, 32)] * 3))) == 3
    calls = _names(here.cuda.log)
    assert calls.count("wait_for_event") == 3
    assert calls.count("graph_launch") == 3
    assert not set(calls) & ALLOCATES


def test_a_stream_takes_no_further_context_and_may_batch(on_gpu, tiny_bundle, picture):
    model, here, _ = on_gpu("centernet", batch=(1, 2, 4))
    images = [picture(50 + index, 64) for index in range(7)]
    contexts = here.trt.called("engine.create_execution_context")
    with load(tiny_bundle("centernet", batch=(1, 2, 4))) as cpu:
        wanted = [cpu(image) for image in images]
        for found, want in zip(model.stream(images), wanted, strict=True):
            same(found, want)
        assert here.trt.called("engine.create_execution_context") == contexts
        for one in (model, cpu):
            here.cuda.log.clear()
            for found, want in zip(one.stream(images, batch=4), wanted, strict=True):
                same(found, want)
            if one is model:
                assert _names(here.cuda.log).count("graph_launch") == 2


def test_threads_share_a_model(on_gpu, tiny_bundle, picture):
    model, _, _ = on_gpu("classify", streams=2)
    images = [picture(32, 32) for _ in range(4)]
    with load(tiny_bundle("classify")) as cpu:
        wanted = [cpu(image) for image in images]
    failures = []

    def work(offset):
        try:
            for index in range(8):
                which = (index + offset) % 4
                same(model(images[which]), wanted[which])
        except BaseException as err:
            failures.append(err)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_two_models_work_in_two_threads(on_gpu, plan_bundle, picture):
    first, _, folder = on_gpu("classify")
    with load(folder) as second:
        images = [picture(32, 32), picture(24, 40)]
        wanted = [first(image).to_dict() for image in images]
        found = {}

        def work(name, model, image):
            found[name] = [model(image).to_dict() for _ in range(6)]

        threads = [
            threading.Thread(target=work, args=(index, model, images[index]))
            for index, model in enumerate((first, second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {0: [wanted[0]] * 6, 1: [wanted[1]] * 6}


def test_batches_are_padded_to_a_size_of_the_engine(on_gpu, tiny_bundle, picture):
    model, here, _ = on_gpu("centernet", batch=(1, 2, 4))
    images = [picture(50 + index, 64) for index in range(7)]
    with load(tiny_bundle("centernet")) as cpu:
        for found, image in zip(model.results(images), images, strict=True):
            same(found, cpu(image))
    shapes = {shape[0] for _, shape in here.trt.called("context.set_input_shape")}
    assert shapes == {1, 4}


def test_a_cuda_error_is_said_and_the_model_can_be_opened_again(on_gpu, picture, monkeypatch):
    model, here, folder = on_gpu("classify")
    image = picture(32, 32)
    wanted = model(image).to_dict()

    def broken(*arguments):
        raise here.cuda.LaunchError("cuMemcpyHtoDAsync failed: an illegal memory access")

    with monkeypatch.context() as patch:
        patch.setattr(here.cuda, "memcpy_htod_async", broken)
        with pytest.raises(MachineError, match="a CUDA call failed"):
            model(image)
    with pytest.raises(MachineError, match=r"failed before[\s\S]*load it again"):
        model(image)
    model.close()
    with load(folder) as again:
        assert again(image).to_dict() == wanted


def test_a_refused_frame_costs_no_slot(on_gpu, picture):
    model, _, _ = on_gpu("classify")
    for _ in range(3):
        with pytest.raises(ShapeError, match="uint8"):
            model(np.zeros((4, 4), np.uint8))
    model(picture(32, 32))


def test_what_a_decoder_collects_from_survives_the_frames_after(on_gpu, picture, monkeypatch):
    model, _, _ = on_gpu("classify")
    decoder, kept = model._pipelines[0][1]._lanes[0].decoder, []
    monkeypatch.setattr(decoder, "collect", lambda host, _: [kept.append(host)])
    model(picture(32, 32))
    said = {name: array.copy() for name, array in kept[0].items()}
    model(255 - picture(32, 32))
    for name, array in said.items():
        np.testing.assert_array_equal(kept[0][name], array)
    assert any((kept[1][name] != array).any() for name, array in said.items())


def test_raw_outputs_are_the_engines(on_gpu, tiny_bundle, picture):
    model, _, _ = on_gpu("centernet")
    image = picture(64, 64)
    got, (geometry,) = model.raw([image])
    with load(tiny_bundle("centernet")) as cpu:
        want, (other,) = cpu.raw([image])
    assert geometry == other
    assert got.keys() == want.keys()
    for name, array in want.items():
        np.testing.assert_allclose(got[name], array, rtol=1e-5)


def test_steps_are_timed_in_three_graphs(on_gpu, picture):
    model, here, _ = on_gpu("centernet")
    image = picture(64, 64)
    model.timed(image)
    here.cuda.log.clear()
    result, times = model.timed(image)
    assert set(times) == {"pre_ms", "engine_ms", "post_ms"}
    assert times["engine_ms"] > 0
    assert _names(here.cuda.log).count("graph_launch") == 3
    assert result.to_dict() == model(image).to_dict()
    assert len(model.engine_ms(3)) == 3


def test_closing_frees_everything_and_closes_the_door(on_gpu, picture):
    model, here, _ = on_gpu("centernet")
    list(model.stream([picture(64, 64)] * 3))
    pipeline = model._pipelines[0][1]
    model.close()
    assert here.cuda.memory == {}
    with pytest.raises(MachineError, match="was closed"):
        pipeline([frame_of(picture(64, 64))])
    assert isinstance(pipeline, DevicePipeline)
