"""A lane: engines with float16 tensors, frames of any size, and freeing."""

import numpy as np
import pytest

from edgecv.runtime import load
from edgecv.runtime.device.frame import frame_of
from edgecv.runtime.device.lane import LARGEST, Lane


def _half(content):
    """The same network, its input and outputs float16: what a deployed engine had better take."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(content)
    graph, kinds = model.graph, onnx.TensorProto
    for value, source in [(graph.input[0], True), *((value, False) for value in graph.output)]:
        value.type.tensor_type.elem_type = kinds.FLOAT16
        inner = f"{value.name}_float"
        for node in graph.node:
            names = node.input if source else node.output
            for at, name in enumerate(names):
                if name == value.name:
                    names[at] = inner
        pair, to = ([value.name], [inner]), kinds.FLOAT
        if not source:
            pair, to = ([inner], [value.name]), kinds.FLOAT16
        cast = onnx.helper.make_node("Cast", *pair, to=to)
        graph.node.insert(0 if source else len(graph.node), cast)
    return model.SerializeToString()


@pytest.mark.parametrize("kind", ["classify", "centernet", "dense"])
def test_float16_tensors_need_no_conversion_in_between(
    machine, plan_bundle, tiny_bundle, picture, kind
):
    machine()
    content = (tiny_bundle(kind) / "model.onnx").read_bytes()
    folder = plan_bundle(kind, model=_half(content))
    image = picture(64, 64)
    with load(folder) as model, load(tiny_bundle(kind)) as cpu:
        assert model.engine.inputs[0].dtype == "float16"
        got, want = model(image).to_dict(), cpu(image).to_dict()
    key = "classes" if kind == "classify" else "boxes"
    assert len(got[key]) == len(want[key]) > 0
    for mine, other in zip(got[key], want[key], strict=True):
        assert mine["name"] == other["name"]
        assert mine["score"] == pytest.approx(other["score"], abs=5e-3)


def test_a_lane_frees_what_it_allocated(on_gpu):
    model, _, _ = on_gpu("centernet")
    session = model.engine.session
    with session.current():
        before = session.allocated_bytes
        lane = Lane(model.engine, model.preprocess, model.head)
        assert lane.copies is lane.stream
        lane.overlap()
        own = lane.copies
        lane.overlap()
        assert lane.copies is own is not lane.stream
        assert session.allocated_bytes > before
        lane.make_room([(10, 10), LARGEST])
        same_plan = lane.letterbox
        lane.make_room([(10, LARGEST[1] + 1)])
        assert lane.letterbox is not same_plan
        lane.close()
        assert session.allocated_bytes == before
        assert np.prod(LARGEST) > 1080 * 1920


@pytest.mark.parametrize("fails", ["", "capture"])
def test_the_engine_alone_runs_once_before_it_is_captured(on_gpu, fails):
    model, here, _ = on_gpu("classify", fails=fails)
    with model.engine.session.current():
        lane = Lane(model.engine, model.preprocess, model.head)
        here.cuda.log.clear()
        here.trt.log.clear()
        assert len(lane.engine_ms(3)) == 3  # no frame came before
        lane.close()
    names = [entry[0] for entry in here.cuda.log]
    assert names.index("synchronize") < names.index("begin_capture")
    runs = len(here.trt.called("context.execute_async_v3"))
    assert runs == (2 + 3 if fails else 2)  # once before; refused, then each time; or captured


class _Interfering:
    """A lane's lock; when it is first let go, another thread's frame comes at once."""

    def __init__(self, lock, act):
        self._lock, self._act = lock, act

    def __enter__(self):
        self._lock.acquire()

    def __exit__(self, *failure):
        self._lock.release()
        act, self._act = self._act, None
        if act:
            act()


def test_raw_outputs_are_those_of_the_own_frame(on_gpu):
    model, _, _ = on_gpu("classify")
    dark, bright = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)
    (want,) = model.raw([dark])[0].values()
    pipeline = model._pipelines[0][1]
    pipeline.widen(2)
    (lane,) = pipeline._lanes
    lane.lock = _Interfering(lane.lock, lambda: pipeline([frame_of(bright)]))
    (got,) = pipeline.raw([frame_of(dark)])[0].values()
    np.testing.assert_array_equal(got, want)
