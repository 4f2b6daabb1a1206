"""`auto` measures once, remembers, and says what it chose."""

import json

import pytest

from edgecv import engines, progress
from edgecv.engines import choose
from edgecv.errors import MissingPackage, UnsupportedModel


@pytest.fixture(autouse=True)
def _fresh_cache(_quiet, tmp_path, monkeypatch):
    progress.set_quiet(False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(choose, "_has_gpu", lambda: False)


@pytest.fixture
def timed(monkeypatch):
    """Backends take the given milliseconds; returns the list of measurements made."""
    made = []

    def set_times(**times):
        def measure(engine):
            made.append(engine.backend)
            return times[engine.backend]

        monkeypatch.setattr(choose, "_fastest_ms", measure)
        return made

    return set_times


@pytest.mark.parametrize(
    ("openvino", "onnxruntime", "best"),
    [(1.0, 9.0, "openvino"), (9.0, 1.0, "onnxruntime"), (1.0, 0.99, "openvino")],
    ids=["first", "second", "tie"],
)
def test_the_fastest_wins_and_a_tie_is_openvino(
    timed, save_net, capsys, openvino, onnxruntime, best
):
    timed(openvino=openvino, onnxruntime=onnxruntime)
    assert engines.choose_backend(save_net(), "fp32") == best
    assert f"backend auto: {best} (measured now" in capsys.readouterr().err


def test_the_measurement_is_made_once_a_model_and_precision(timed, save_net):
    made = timed(openvino=1.0, onnxruntime=2.0)
    path = save_net()
    for _ in range(3):
        engines.choose_backend(path, "fp32")
    assert len(made) == 2
    engines.choose_backend(path, "int8")
    assert len(made) == 4
    engines.choose_backend(save_net("int8"), "int8")
    assert len(made) == 6
    engines.choose_backend(path, "int8", rest="fp16")
    assert len(made) == 8


@pytest.mark.parametrize("content", ["", "{", "[]", '{"KEY": {}}', '{"KEY": {"cuda": 1.0}}'])
def test_a_broken_cache_only_costs_a_measurement(timed, save_net, content):
    made, path = timed(openvino=1.0, onnxruntime=2.0), save_net()
    engines.choose_backend(path, "fp32")
    cache = choose.cache_folder() / "backends.json"
    key = next(iter(json.loads(cache.read_text())))
    cache.write_text(content.replace("KEY", key))
    assert engines.choose_backend(path, "fp32") == "openvino"
    assert len(made) == 4


def test_one_installed_backend_needs_no_measurement(timed, save_net, monkeypatch):
    made = timed()
    monkeypatch.setattr(engines, "available", lambda: ("tensorrt-rtx", "onnxruntime"))
    assert engines.choose_backend(save_net(), "fp32") == "onnxruntime"
    assert made == []


def test_a_gpu_with_tensorrt_is_taken(save_net, monkeypatch):
    monkeypatch.setattr(choose, "_has_gpu", lambda: True)
    monkeypatch.setattr(engines, "available", lambda: ("tensorrt", "openvino"))
    assert engines.choose_backend(save_net(), "fp32") == "tensorrt"


def test_a_backend_that_cannot_run_the_graph_is_out(timed, save_net, monkeypatch, capsys):
    timed(onnxruntime=5.0)
    load = engines.load_engine

    def refuse(backend, path, **options):
        if backend == "openvino":
            raise UnsupportedModel("OpenVINO cannot run this graph")
        return load(backend, path, **options)

    monkeypatch.setattr(engines, "load_engine", refuse)
    assert engines.choose_backend(save_net(), "fp32") == "onnxruntime"
    assert "openvino is out" in capsys.readouterr().err


def test_nothing_installed_names_the_extra(save_net, monkeypatch):
    monkeypatch.setattr(engines, "available", lambda: ())
    with pytest.raises(MissingPackage, match=r"edgecv\[cpu\]"):
        engines.choose_backend(save_net(), "fp32")


def test_a_real_measurement_names_both(save_net, capsys):
    best = engines.choose_backend(save_net(), "fp32")
    said = capsys.readouterr().err
    assert best in ("openvino", "onnxruntime")
    assert "openvino" in said
    assert "onnxruntime" in said


def test_no_two_engines_live_while_one_is_measured(save_net, monkeypatch):
    """Idle threads of one library spin, and would be measured in the other's time."""
    alive, most = set(), []
    load = engines.load_engine

    def counted(backend, path, **options):
        engine = load(backend, path, **options)
        alive.add(backend)
        close = engine.close

        def closing():
            alive.discard(backend)
            close()

        engine.close = closing
        return engine

    monkeypatch.setattr(engines, "load_engine", counted)
    monkeypatch.setattr(choose, "_fastest_ms", lambda engine: float(most.append(len(alive)) or 1))
    engines.choose_backend(save_net(), "fp32")
    assert most == [1, 1]
