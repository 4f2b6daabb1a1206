"""Everything a user may call a picture gives the same result."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgecv.errors import FileError, ShapeError, UnknownName
from edgecv.ops.letterbox.nv12 import Nv12
from edgecv.runtime import load
from edgecv.runtime.device.frame import frame_of
from tests.gpu_machine import same


def test_rgb_is_swapped_on_the_device(on_gpu, picture):
    model, _, _ = on_gpu("classify")
    image = picture(40, 40)
    wanted = model(image).to_dict()
    assert model(np.ascontiguousarray(image[..., ::-1]), color="rgb").to_dict() == wanted
    Image = pytest.importorskip("PIL.Image")
    assert model(Image.fromarray(image[..., ::-1])).to_dict() == wanted


def test_views_of_any_strides_are_taken(on_gpu, picture):
    model, _, _ = on_gpu("classify")
    image = picture(40, 60)
    part = image[::2, 5:41][:, ::-1]
    assert model(part).to_dict() == model(np.ascontiguousarray(part)).to_dict()


def test_a_picture_on_the_device_is_not_brought_to_the_host(on_gpu, picture):
    model, here, _ = on_gpu("classify")
    image = picture(40, 60)
    wanted = model(image).to_dict()
    session = model.engine.session
    with session.current():
        array = session.upload(image)
        here.cuda.log.clear()
        assert model(array).to_dict() == wanted
        calls = [entry[0] for entry in here.cuda.log]
        assert calls.count("dtod") == 1
        assert calls.count("htod") == 1  # the parameter block
        assert "synchronize_context" not in calls
        array.free()


def test_a_foreign_stream_is_waited_for(on_gpu, picture):
    model, _, _ = on_gpu("classify")
    image = picture(40, 60)
    session = model.engine.session
    with session.current():
        array = session.upload(image)
        facts = {**array.__cuda_array_interface__, "stream": 7}
        waited = []
        wait, session.synchronize = session.synchronize, lambda: waited.append(1)
        model(SimpleNamespace(__cuda_array_interface__=facts))
        session.synchronize = wait
        assert waited == [1]
        array.free()


@pytest.mark.parametrize("said", [{}, {"stream": None}, {"stream": 1}])
def test_work_on_the_default_stream_is_waited_for(on_gpu, picture, said):
    """Where torch works; our streams do not wait for it, as the default stream usually has it."""
    model, here, _ = on_gpu("classify")
    image = picture(40, 60)
    wanted = model(image).to_dict()
    session = model.engine.session
    with session.current():
        array = session.upload(np.zeros_like(image))
        pixels = here.cuda.read(array.address, image.shape, np.uint8)
        here.cuda.default.submit(
            lambda: np.copyto(pixels, image)
        )  # a library has launched a kernel
        facts = {**array.__cuda_array_interface__, **said}
        assert model(SimpleNamespace(__cuda_array_interface__=facts)).to_dict() == wanted
        array.free()


def test_nv12_frames_of_cameras(on_gpu, tiny_bundle, rng):
    model, _, _ = on_gpu("classify")
    y = rng.integers(16, 235, (40, 60), dtype=np.uint8)
    uv = rng.integers(16, 240, (20, 30, 2), dtype=np.uint8)
    frame = Nv12(y, uv, matrix="709", range="full")
    with load(tiny_bundle("classify")) as cpu:
        same(model(frame), cpu(frame))


def test_what_is_no_picture_is_refused(tmp_path):
    with pytest.raises(ShapeError, match="uint8"):
        frame_of(np.zeros((4, 4, 3)))
    with pytest.raises(ShapeError, match="array"):
        frame_of([1, 2, 3])
    with pytest.raises(UnknownName, match="color order"):
        frame_of(np.zeros((4, 4, 3), np.uint8), "hsv")
    with pytest.raises(FileError, match="not found"):
        frame_of(tmp_path / "none.png")
    facts = {"shape": (4, 4), "typestr": "|u1", "data": (256, False), "version": 3}
    with pytest.raises(ShapeError, match="on the device must be"):
        frame_of(SimpleNamespace(__cuda_array_interface__=facts))
