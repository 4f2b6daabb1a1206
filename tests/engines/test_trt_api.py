"""TensorRT is asked by name; what is missing is named."""

import sys
from types import SimpleNamespace

import pytest

from edgecv.engines.trt_api import (
    capability,
    import_tensorrt,
    is_error,
    make_logger,
    make_progress,
    member,
    need,
    tag,
)
from edgecv.errors import MachineError, MissingPackage, UnknownName
from tests.engines.fake_tensorrt import FakeTensorRT, Member


class Text:
    """An enum member whose text is all there is."""

    def __str__(self):
        return "DataType.HALF"


@pytest.mark.parametrize("value", [Text(), Member("HALF", 1), "HALF", "ILogger.Severity.HALF"])
def test_enum_members_are_known_by_their_last_name(value):
    assert tag(value) == "HALF"


def test_a_name_is_there_or_none():
    flags = SimpleNamespace(TF32=1)
    assert (member(flags, "TF32"), member(flags, "FP16")) == (1, None)
    with pytest.raises(MachineError, match="no half precision") as caught:
        need(flags, "FP16", "half precision", "11.1")
    assert caught.value.facts == {"version": "11.1", "lacks": "FP16"}


def test_targets_are_those_of_the_module():
    trt = FakeTensorRT("rtx 1.7.1")
    assert capability(trt, "SM89").name == "SM89"
    with pytest.raises(UnknownName, match="sm86"):
        capability(trt, "sm68")
    with pytest.raises(UnknownName, match="current"):
        capability(trt, "current")


def test_log_lines_arrive_with_their_severity():
    lines = []
    logger = make_logger(FakeTensorRT("10.3.0.26"), lambda *line: lines.append(line))
    logger.log(Member("WARNING", 2), "careful")
    assert lines == [("WARNING", "careful")]


def test_there_is_no_progress_before_version_9():
    assert make_progress(FakeTensorRT("8.6.2.3"), print) is None


def test_progress_says_how_many_steps_the_phase_has():
    told = []
    monitor = make_progress(FakeTensorRT("10.3.0.26"), lambda *step: told.append(step))
    monitor.phase_start("outer", None, 3)
    monitor.phase_start("inner", "outer", 2)
    assert monitor.step_complete("inner", 1) is True  # False would cancel the build
    monitor.phase_finish("inner")
    monitor.step_complete("outer", 1)
    assert told == [
        ("outer", 0, 3),
        ("inner", 0, 2),
        ("inner", 1, 2),
        ("inner", 2, 2),
        ("outer", 1, 3),
    ]


@pytest.mark.parametrize(
    ("severity", "error"),
    [("INTERNAL_ERROR", True), ("ERROR", True), ("WARNING", False), ("VERBOSE", False)],
)
def test_errors_are_told_from_warnings(severity, error):
    assert is_error(severity) == error


@pytest.mark.parametrize(
    ("flavour", "build", "error", "says"),
    [
        ("tensorrt", True, MachineError, "JetPack"),
        ("tensorrt", False, MachineError, "JetPack"),
        ("tensorrt-rtx", True, MissingPackage, r"edgecv\[rtx\]"),
    ],
)
def test_what_is_not_installed_is_said(monkeypatch, flavour, build, error, says):
    for name in ("tensorrt", "tensorrt_lean", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(error, match=says):
        import_tensorrt(flavour, to_build=build)


def test_the_lean_runtime_loads_but_does_not_build(monkeypatch):
    lean = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_lean", lean)
    assert import_tensorrt("tensorrt", to_build=False) is lean
    with pytest.raises(MachineError, match="not installed"):
        import_tensorrt("tensorrt", to_build=True)
