"""Versions come from metadata: nothing is imported, and what is not there is unknown."""

from importlib.metadata import PackageNotFoundError

import pytest

from edgecv.engines import BACKENDS, versions
from edgecv.engines.versions import backend_version


@pytest.fixture
def installed(monkeypatch):
    """`installed(name="1.2")`: the only distributions there are."""

    def installed(**those):
        def version(name):
            if name.replace("-", "_") not in those:
                raise PackageNotFoundError(name)
            return those[name.replace("-", "_")]

        monkeypatch.setattr(versions, "version", version)

    return installed


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_has_a_package(installed, backend):
    installed(**{backend.replace("-", "_"): "1.2.3"})
    assert backend_version(backend) == "1.2.3"


def test_a_backend_may_come_in_another_package(installed):
    installed(tensorrt_lean="10.3", onnxruntime_gpu="1.23")
    assert (backend_version("tensorrt"), backend_version("onnxruntime")) == ("10.3", "1.23")
    installed(tensorrt="10.4", tensorrt_lean="10.3")
    assert backend_version("tensorrt") == "10.4"


def test_what_is_not_there_is_unknown(installed):
    installed()
    assert {backend_version(name) for name in (*BACKENDS, "nobody")} == {"unknown"}


def test_it_is_the_version_the_package_says():
    onnxruntime = pytest.importorskip("onnxruntime")
    assert backend_version("onnxruntime") == onnxruntime.__version__
