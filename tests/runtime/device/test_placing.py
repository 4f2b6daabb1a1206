"""Frames are read in place only where that measured faster, and measured once."""

import pytest

from edgecv.runtime import load
from edgecv.runtime.device import placing
from edgecv.runtime.device.placing import PLACE, measure, read_in_place
from tests.cuda.device import open_session
from tests.gpu_machine import same


@pytest.fixture
def times(monkeypatch, tmp_path):
    """What the measurement says: `times["in_place_ms"] = …`; and how often it ran."""
    said = {"copied_ms": 1.0, "in_place_ms": 0.5, "asked": 0}

    def measured(session):
        said["asked"] += 1
        return {name: said[name] for name in ("copied_ms", "in_place_ms")}

    monkeypatch.setattr(placing, "measure", measured)
    monkeypatch.setattr(placing, "cache_folder", lambda: tmp_path)
    return said


@pytest.mark.parametrize(("in_place", "want"), [(0.5, True), (0.99, False), (2.0, False)])
def test_an_integrated_gpu_is_measured_once(monkeypatch, times, in_place, want):
    times["in_place_ms"] = in_place
    with open_session("forward", monkeypatch, integrated=True) as session:
        assert [read_in_place(session) for _ in range(3)] == [want] * 3
    assert times["asked"] == 1


def test_a_gpu_with_its_own_memory_is_not_asked(monkeypatch, times):
    with open_session("forward", monkeypatch, integrated=False) as session:
        assert not read_in_place(session)
    assert times["asked"] == 0


def test_the_user_may_decide(monkeypatch, times):
    with open_session("forward", monkeypatch, integrated=True) as session:
        for asked, want in (("copied", False), ("in-place", True)):
            monkeypatch.setenv(PLACE, asked)
            assert read_in_place(session) is want
    assert times["asked"] == 0


@pytest.mark.parametrize("content", ["{", "{}", '{"copied_ms": "x", "in_place_ms": 1}'])
def test_a_broken_memory_is_measured_again(monkeypatch, times, tmp_path, content):
    with open_session("forward", monkeypatch, integrated=True) as session:
        read_in_place(session)
        (file,) = tmp_path.iterdir()
        file.write_text(content)
        assert read_in_place(session)
    assert times["asked"] == 2


def test_both_ways_are_really_timed(monkeypatch):
    monkeypatch.setattr(placing, "FRAME", (12, 16))
    monkeypatch.setattr(placing, "INPUT", (8, 8))
    with open_session("forward", monkeypatch, integrated=True) as session:
        found = measure(session)
        assert min(found.values()) > 0
        assert session.allocated_bytes == 0


def test_results_are_the_same_in_place(on_gpu, tiny_bundle, picture, monkeypatch):
    monkeypatch.setenv(PLACE, "in-place")
    model, here, _ = on_gpu("centernet", integrated=True)
    images = [picture(64, 64), picture(48, 90)]
    model(images[0])
    here.cuda.log.clear()
    with load(tiny_bundle("centernet")) as cpu:
        for image in images:
            same(model(image), cpu(image))
    assert not [entry for entry in here.cuda.log if entry[0] == "htod"]
