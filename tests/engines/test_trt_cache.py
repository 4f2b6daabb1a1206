"""TensorRT-RTX's compiled kernels survive the process; what cannot be used is compiled again."""

import numpy as np
import pytest

from edgecv.engines import trt_cache

IMAGES = {"images": np.zeros((1, 3, 8, 8), np.float32)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(trt_cache, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def _once(load, version="rtx 1.7.1", **fake):
    engine, trt, _ = load(version, **fake)
    engine.execute(IMAGES)
    engine.close()
    return trt


def test_the_second_start_reads_what_the_first_compiled(load, folder):
    assert _once(load).compiled == []
    (file,) = folder.iterdir()
    assert "sm87" in file.name
    assert "1.7.1" in file.name
    assert _once(load).compiled == [b"compiled kernels"]


def test_a_cache_rtx_refuses_is_only_told(load, folder):
    _once(load)
    assert _once(load, fails="cache").compiled == [b"compiled kernels"]


def test_a_folder_that_cannot_be_written_stops_nothing(load, folder):
    folder.write_text("a file")
    assert _once(load).compiled == []
    assert folder.read_text() == "a file"


@pytest.mark.parametrize("version", ["8.6.2.3", "11.1.0.1"])
def test_full_tensorrt_has_no_such_cache(load, folder, version):
    _once(load, version)
    assert not folder.exists()
