import struct

import pytest

from edgecv.calibrate.tensorrt_cache import tensorrt_cache, write_tensorrt_cache
from edgecv.errors import UsageError
from edgecv.ranges import Range, Ranges


def table(method: str = "entropy") -> Ranges:
    tensors = {
        "images": Range(amax=127.0, low=-1, high=127),
        "a: b": Range(amax=1.0, low=0, high=2),
        "dead": Range(amax=0.0, low=0, high=0),
    }
    return Ranges(method=method, images=1, model_digest="", data_digest="", tensors=tensors)


def test_text_by_hand():
    assert tensorrt_cache(table(), "8.6.1") == (
        "TRT-8601-EntropyCalibration2\n"
        "images: 3f800000\n"  # 1.0
        "a: b: 3c010204\n"  # 1 / 127
        "dead: 3f800000\n"  # a scale must be > 0
    )


def test_scales_read_back(tmp_path):
    path = write_tensorrt_cache(table("minmax"), tmp_path / "calib.cache", "10.3.0")
    header, *lines = path.read_text().splitlines()
    assert header == "TRT-100300-MinMaxCalibration"
    name, _, digits = lines[1].rpartition(": ")
    assert name == "a: b"
    assert struct.unpack(">f", bytes.fromhex(digits))[0] == pytest.approx(1 / 127)


@pytest.mark.parametrize("version", ["11.0.0", "8.6", "8.6.x", ""])
def test_refuses_versions_that_read_no_cache(version):
    with pytest.raises(UsageError, match="TensorRT"):
        tensorrt_cache(table(), version)
