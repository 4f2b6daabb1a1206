"""A kernel file from its source to its results, through the real Session."""

from pathlib import Path

import numpy as np
import pytest

from edgecv.cuda.session import Session
from tests.cuda.capture import assert_capturable, run_eagerly
from tests.cuda.device import install, log_of

EXAMPLE = Path(__file__).with_name("example.cu")


def _best(values):
    """Index of each block of 64: largest, ties and -0/+0 by the lower index, NaN last."""
    clean = np.where(np.isnan(values), -np.inf, values.astype(np.float32))
    starts = range(0, len(values), 64)
    return [start + int(np.argmax(clean[start : start + 64])) for start in starts]


@pytest.mark.parametrize(("dtype", "name"), [("float32", "f32"), ("float16", "f16")])
def test_a_kernel_runs_in_every_order(session, rng, dtype, name):
    values = rng.integers(-5, 6, 200).astype(dtype)
    values[[3, 70, 199]] = np.nan, -np.inf, 9
    kernel = session.kernels(EXAMPLE).function(f"example_best_{name}", "PiP")
    source, best = session.upload(values), session.empty((4,), np.uint64)

    def enqueue(stream):
        kernel.launch(stream, (4,), (64,), source, len(values), best)

    (got,) = assert_capturable(session, enqueue, [best])
    index = ~got.astype(np.uint32)
    np.testing.assert_array_equal(index, _best(values))


def test_definitions_make_another_module(session, rng):
    values = rng.standard_normal(64).astype(np.float32)
    small = session.kernels(EXAMPLE, {"BLOCK": 32})
    assert small is session.kernels(EXAMPLE, {"BLOCK": 32})
    assert small is not session.kernels(EXAMPLE)
    best = session.empty((2,), np.uint64)
    kernel = small.function("example_best_f32", "PiP")
    source = session.upload(values)
    calls = run_eagerly(session, lambda s: kernel.launch(s, (2,), (32,), source, 64, best))
    got = ~session.download(best).astype(np.uint32)
    np.testing.assert_array_equal(got, [values[:32].argmax(), 32 + values[32:].argmax()])
    if log_of(session) is not None:
        assert calls == [("launch", "example_best_f32", (2, 1, 1), (32, 1, 1))]


def test_wrong_arguments_are_refused(session):
    kernel = session.kernels(EXAMPLE).function("example_scale", "Pif")
    array, stream = session.zeros((4,), np.float32), session.stream()
    with pytest.raises(TypeError, match="takes 3 arguments, got 2"):
        kernel.launch(stream, (1,), (4,), array, 4)
    with pytest.raises(TypeError, match="device array was given where 'i'"):
        kernel.launch(stream, (1,), (4,), array, array, 1.0)
    with pytest.raises(TypeError, match="unknown argument types"):
        session.kernels(EXAMPLE).function("example_scale", "Pxf")


def test_a_kernel_of_a_closed_session_says_so(monkeypatch):
    install(monkeypatch)
    here = Session()
    with here.current():
        stream = here.stream()
        kernel = here.kernels(EXAMPLE).function("example_scale", "Pif")
    here.close()
    with pytest.raises(ValueError, match="after its session was closed"):
        kernel.launch(stream, (1,), (1,), 0, 0, 1.0)


@pytest.mark.parametrize(
    "session", ["forward", pytest.param("gpu", marks=pytest.mark.gpu)], indirect=True
)
def test_a_block_larger_than_the_kernel_was_compiled_for_is_refused(session):
    kernel, stream = session.kernels(EXAMPLE).function("example_scale", "Pif"), session.stream()
    array = session.zeros((1024,), "float32")
    kernel.launch(stream, (2,), (512,), array, 1024, 1.0)
    with pytest.raises(session._driver.Error):
        kernel.launch(stream, (1,), (1024,), array, 1024, 1.0)
