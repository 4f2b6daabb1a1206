"""The golden sample: written, read back, and compared so that nothing hides."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgecv.engines.golden import (
    GOLDEN,
    SAME_MACHINE,
    Golden,
    differences,
    machine,
    read_golden,
    self_test,
    write_golden,
)
from edgecv.errors import FileError, GateFailed


def test_a_sample_is_read_as_it_was_written(tmp_path, rng):
    image, out = rng.standard_normal((1, 3, 4, 4)).astype(np.float32), np.arange(3.0)
    path = write_golden(tmp_path / "golden.npz", Golden({"x.y": image}, {"a.b": out}, {"a.b": out}))
    golden = read_golden(path)
    np.testing.assert_array_equal(golden.inputs["x.y"], image)
    np.testing.assert_array_equal(golden.expected["a.b"], out)
    assert list(golden.built) == ["a.b"]


def _pickled(path):
    np.savez(path, **{"input.x": np.array([{}], dtype=object)})


def _empty(path):
    np.savez(path, other=np.zeros(1))


def _text(path):
    path.write_text("no archive")


@pytest.mark.parametrize("write", [_pickled, _empty, _text, lambda path: None])
def test_a_broken_sample_is_refused(tmp_path, write):
    path = tmp_path / "golden.npz"
    write(path)
    with pytest.raises(FileError, match="golden sample"):
        read_golden(path)


@pytest.mark.parametrize(
    ("got", "want", "difference"),
    [
        ([1.0, -4.0], [1.0, -4.0], 0.0),
        ([1.0, -3.0], [1.0, -4.0], 0.25),
        ([0.5, 0.0], [0.0, 0.0], 0.5),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.inf, 1.0], [np.inf, 1.0], 0.0),
        ([np.nan, 1.0], [1.0, 1.0], np.inf),
        ([1.0, 1.0], [np.nan, 1.0], np.inf),
        ([np.inf, 1.0], [1.0, 1.0], np.inf),
        ([-np.inf, 1.0], [np.inf, 1.0], np.inf),
        ([1.0], [1.0, 1.0], np.inf),
        (3.0, 4.0, 0.25),
        (4.0, 4.0, 0.0),
    ],
    ids="equal relative zero nan inf got-nan want-nan got-inf signs shape scalar one".split(),
)
def test_differences_are_relative_and_hide_nothing(got, want, difference):
    found = differences({"y": np.array(got, np.float32)}, {"y": np.array(want, np.float32)})
    assert found == {"y": pytest.approx(difference)}


def test_a_missing_output_is_infinitely_far():
    assert differences({}, {"y": np.zeros(2)}) == {"y": np.inf}


@pytest.fixture
def tested(tmp_path):
    """The self-test of an engine that gives 4 + `off`, was built to give 4 and should give 4."""

    def tested(off, *, built=True, here=True, tolerance=0.01):
        four, own = {"y": np.float64([1, 4])}, {"y": np.float64([1, 4])} if built else {}
        write_golden(tmp_path / GOLDEN, Golden({"x": np.zeros(1)}, four, own))
        host = machine("onnxruntime") if here else {"cpu": "another"}
        manifest = SimpleNamespace(tolerance=tolerance, backend="onnxruntime", host=host)
        bundle = SimpleNamespace(folder=tmp_path, path=tmp_path.joinpath, manifest=manifest)
        engine = SimpleNamespace(execute=lambda _inputs: {"y": np.float64([1, 4 + off])})
        return self_test(engine, bundle)

    return tested


def test_an_engine_is_held_to_the_graph_within_the_tolerance(tested):
    report = tested(0.02, here=False)  # a two hundredth of 4
    assert report == {
        "passed": True,
        "same_machine": None,
        "tolerance": 0.01,
        "differences": {"y": pytest.approx(0.005)},
    }
    with pytest.raises(GateFailed, match=r"(?s)not the graph's output.*difference: 0\.0101"):
        tested(0.0404, here=False)


def test_where_it_was_built_an_engine_is_held_to_its_own_last_bits(tested):
    assert tested(4 * SAME_MACHINE / 2)["same_machine"]["tolerance"] == SAME_MACHINE
    with pytest.raises(GateFailed, match="not its own, when it was built here, output"):
        tested(4 * SAME_MACHINE * 2)
    assert tested(4 * SAME_MACHINE * 2, here=False)["same_machine"] is None
    assert tested(4 * SAME_MACHINE * 2, built=False)["same_machine"] is None
