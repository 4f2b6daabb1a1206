"""An engine is compared with the machine before it is deserialised."""

import sys
from types import SimpleNamespace

import pytest

from edgecv import engines
from edgecv.bundle import Bundle, open_bundle
from edgecv.cuda.driver import Device
from edgecv.engines import trt_match, trt_run
from edgecv.errors import EngineMismatch


@pytest.fixture
def bundle(tiny_bundle, monkeypatch):
    """A bundle that says it is a TensorRT engine; loading it would be an error of the test."""
    opened = open_bundle(tiny_bundle("classify"))

    def never(*arguments, **options):
        raise AssertionError("deserialised before it was checked")

    monkeypatch.setattr(trt_run, "TensorRtEngine", never)

    def make(backend="tensorrt", version="10.3.0.26", targets=("sm87",), host=None):
        update = {"backend": backend, "backend_version": version, "targets": targets}
        update["host"] = host or {}
        return Bundle(opened.folder, opened.manifest.model_copy(update=update))

    return make


@pytest.fixture
def machine(monkeypatch):
    def make(version, capability):
        found = (Device("a GPU", capability),) if capability else ()
        monkeypatch.setattr(trt_match, "backend_version", lambda backend: version)
        monkeypatch.setattr(trt_match, "devices", lambda: found)

    return make


@pytest.mark.parametrize("backend", ["tensorrt", "tensorrt-rtx"])
def test_another_version_names_both_sides_and_the_command(bundle, machine, backend):
    machine("10.7.0.23", "sm87")
    with pytest.raises(EngineMismatch, match=r"10\.3\.0\.26") as caught:
        engines.open_engine(bundle(backend))
    assert "10.7.0.23" in str(caught.value)
    assert "edgecv build" in caught.value.fix
    assert caught.value.exit_code == 3


def test_another_gpu_names_both_sides(bundle, machine):
    machine("10.3.0.26", "sm89")
    with pytest.raises(EngineMismatch, match="sm87") as caught:
        engines.open_engine(bundle())
    assert caught.value.facts["this_gpu"] == "sm89"


@pytest.mark.parametrize(
    ("targets", "capability"),
    [(("sm87",), "sm87"), (("sm86", "sm89"), "sm89"), (("sm80+",), "sm120"), ((), "sm75")],
)
def test_what_fits_goes_on_to_load(bundle, machine, targets, capability):
    machine("10.3.0.26", capability)
    with pytest.raises(AssertionError, match="deserialised"):
        engines.open_engine(bundle(targets=targets))


def test_older_than_ampere_does_not_fit_ampere_plus(bundle, machine):
    machine("10.3.0.26", "sm75")
    with pytest.raises(EngineMismatch, match=r"sm80\+"):
        engines.open_engine(bundle(targets=("sm80+",)))


@pytest.mark.parametrize(
    ("here", "fits"),
    [("10.3.0.26", True), ("10.7.0.23", True), ("11.1.0.1", True), ("8.6.2.3", False)],
)
def test_a_version_compatible_engine_loads_in_newer_versions_only(bundle, machine, here, fits):
    machine(here, "sm87")
    made = bundle(host={"version_compatible": "yes"})
    with pytest.raises(AssertionError if fits else EngineMismatch, match=r"deseri|does not fit"):
        engines.open_engine(made)


def test_a_module_without_pips_metadata_still_tells_its_version(monkeypatch):
    def found(flavour, to_build):
        return SimpleNamespace(__version__="8.6.2")

    monkeypatch.setattr(trt_match, "backend_version", lambda backend: "unknown")
    monkeypatch.setattr(trt_match, "import_tensorrt", found)
    assert trt_match.installed_version("tensorrt") == "8.6.2"


def test_no_tensorrt_at_all_is_unknown(monkeypatch):
    monkeypatch.setattr(trt_match, "backend_version", lambda backend: "unknown")
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_lean", None)
    assert trt_match.installed_version("tensorrt") == "unknown"
