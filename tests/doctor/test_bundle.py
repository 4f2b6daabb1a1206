"""Whether a bundle loads here is tried, not guessed."""

import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from edgecv.bundle import open_bundle, seal
from edgecv.cli.app import app
from edgecv.doctor.bundle import bundle_here
from edgecv.errors import FileError, MissingPackage


@pytest.fixture
def copy(classifier, tmp_path):
    return shutil.copytree(classifier.bundle("fp32-onnxruntime"), tmp_path / "fp32-onnxruntime")


def test_bundle_of_this_machine_loads_and_passes_its_self_test(copy):
    report = bundle_here(copy)
    assert (report["loads"], report["self_test"], report["problem"]) == (True, "passed", "")
    done = CliRunner().invoke(app, ["doctor", str(copy)])
    assert done.exit_code == 0
    assert "loads here; self-test passed" in done.stdout


def test_gpu_bundle_does_not_load_without_a_gpu(copy):
    manifest = open_bundle(copy).manifest
    change = {"backend": "tensorrt-rtx", "backend_version": "1.0.0", "targets": ("sm86",)}
    seal(copy, manifest.model_copy(update=change))
    report = bundle_here(copy)
    assert (report["loads"], report["self_test"]) == (False, "not run")
    assert report["problem"]
    assert report["fix"]
    assert CliRunner().invoke(app, ["doctor", str(copy)]).exit_code == 3


def test_failing_self_test_is_told_apart_from_not_loading(copy):
    with np.load(copy / "golden.npz") as golden:
        arrays = {name: golden[name] + np.float32(5) for name in golden.files}
    np.savez(copy / "golden.npz", **arrays)
    seal(copy, open_bundle(copy, check_digests=False).manifest)
    report = bundle_here(copy)
    assert (report["loads"], report["self_test"]) == (True, "failed")
    assert CliRunner().invoke(app, ["doctor", str(copy)]).exit_code == 4


def test_missing_backend_package_names_both_ways_out(copy, monkeypatch):
    def absent(bundle):
        raise MissingPackage("openvino", "cpu", needed_for="this bundle")

    monkeypatch.setattr("edgecv.doctor.bundle.open_engine", absent)
    fix = bundle_here(copy)["fix"]
    assert "edgecv[cpu]" in fix
    assert f"edgecv build {copy}" in fix


def test_changed_bundle_is_a_file_error(copy):
    (copy / "model.onnx").write_bytes(b"x")
    with pytest.raises(FileError, match="changed after"):
        bundle_here(copy)
