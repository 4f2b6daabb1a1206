"""One logger for all engines of a process: TensorRT keeps the first one's pointer for good."""

import gc

import pytest

from edgecv.engines.trt_log import ErrorLog, error_log
from edgecv.engines.trt_run import TensorRtEngine
from edgecv.errors import FileError
from tests.engines.fake_tensorrt import FakeTensorRT, Member


def test_errors_are_told_from_a_mark_on_and_other_lines_are_not():
    log = ErrorLog(FakeTensorRT("10.3.0.26"))
    log.logger.log(Member("ERROR", 1), "before\n")
    mark = log.mark()
    assert log.since(mark) == "nothing was logged"
    for severity in ("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE"):
        log.logger.log(Member(severity, 1), f"{severity} it is\n")
    assert log.since(mark) == "INTERNAL_ERROR it is | ERROR it is"
    assert log.since(0) == "before | INTERNAL_ERROR it is | ERROR it is"


def test_only_the_newest_lines_are_kept():
    log = ErrorLog(FakeTensorRT("10.3.0.26"))
    mark = log.mark()
    for number in range(200):
        log.logger.log(Member("ERROR", 1), f"line {number}.")
    assert "line 199." in log.since(mark)
    assert "line 100." not in log.since(mark)
    assert log.since(log.mark()) == "nothing was logged"


def test_a_module_has_one_log():
    trt = FakeTensorRT("10.3.0.26")
    assert error_log(trt) is error_log(trt)
    assert error_log(trt) is not error_log(FakeTensorRT("10.3.0.26"))


def test_the_first_engines_logger_outlives_it(load, tmp_path):
    first, trt, _ = load("10.3.0.26")
    first.close()
    del first
    gc.collect()
    trt._fails = "deserialise"
    with pytest.raises(FileError, match="plan file is not compatible"):
        TensorRtEngine(tmp_path / "engine.plan", "tensorrt")
