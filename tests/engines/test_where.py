"""One line says what a machine needs."""

import pytest

from edgecv.bundle import Manifest
from edgecv.engines.where import where_it_runs

CASES = [
    pytest.param("openvino", (), "any CPU with the package openvino", id="cpu"),
    pytest.param("tensorrt-rtx", ("sm86", "sm120"), "RTX GPUs of sm86, sm120", id="rtx"),
    pytest.param("tensorrt", ("sm87",), "sm87 with TensorRT 9", id="tensorrt"),
    pytest.param("tensorrt", (), "the GPU it was built on", id="tensorrt-unknown"),
]


@pytest.mark.parametrize(("backend", "targets", "text"), CASES)
def test_every_backend_says_where_it_runs(backend, targets, text):
    manifest = Manifest.model_construct(backend=backend, backend_version="9", targets=targets)
    assert text in where_it_runs(manifest)
