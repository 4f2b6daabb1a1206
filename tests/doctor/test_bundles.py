"""Bundles of a folder are judged by their manifests; what does not load comes with its fix."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from edgecv.bundle import open_bundle, seal
from edgecv.cli.app import app
from edgecv.doctor.bundles import bundles_here

HERE = {"onnxruntime": True, "openvino": True, "tensorrt": False, "tensorrt-rtx": False}


@pytest.fixture
def runs(classifier, tmp_path):
    """A run with a bundle that fits this machine and one for an RTX card."""
    good = tmp_path / "digits" / "fp32-onnxruntime"
    shutil.copytree(classifier.bundle("fp32-onnxruntime"), good)
    other = shutil.copytree(good, tmp_path / "digits" / "fp32-tensorrt-rtx")
    manifest = open_bundle(other).manifest
    change = {"backend": "tensorrt-rtx", "backend_version": "1.0.0", "targets": ("sm86",)}
    seal(other, manifest.model_copy(update=change))
    return tmp_path


def test_every_bundle_has_a_row_and_says_why_not(runs):
    rows = {row["bundle"].rsplit("/", 1)[1]: row for row in bundles_here(runs, HERE)}
    assert rows["fp32-onnxruntime"]["would_load"]
    other = rows["fp32-tensorrt-rtx"]
    assert not other["would_load"]
    assert "1.0.0" in other["because"] or "do not execute here" in other["because"]
    assert other["fix"] == f"edgecv build {runs / 'digits' / 'fp32-tensorrt-rtx'}"


def test_backend_that_does_not_execute_here_keeps_its_bundles_out(runs):
    rows = bundles_here(runs, {})
    assert [row["would_load"] for row in rows] == [False, False]
    assert "onnxruntime engines do not execute here" in rows[0]["because"]


def test_broken_manifest_is_a_row_not_a_crash(runs):
    (runs / "digits" / "fp32-onnxruntime" / "manifest.json").write_text("{")
    rows = bundles_here(runs, HERE)
    assert len(rows) == 2
    assert not rows[0]["would_load"]
    assert "manifest" in rows[0]["because"]


def test_folder_that_is_not_there_has_no_bundles(tmp_path):
    assert bundles_here(tmp_path / "none", HERE) == []


def test_verb_lists_them(runs):
    done = CliRunner().invoke(app, ["doctor", "--runs", str(runs), "--json"])
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["bundles"]) == 2
    text = CliRunner().invoke(app, ["doctor", "--runs", str(runs)]).stdout
    assert "fp32-onnxruntime  " in text
    assert "would load" in text
    assert "would not load" in text
