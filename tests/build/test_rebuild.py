"""A bundle is built again from itself: elsewhere, for another backend, without torch or onnx."""

import subprocess
import sys
from importlib import import_module

import pytest

from edgecv import engines
from edgecv.build import build, rebuild
from edgecv.bundle import open_bundle, seal
from edgecv.engines.golden import self_test
from edgecv.errors import FileError, UsageError

rebuild_module = import_module("edgecv.build.rebuild")  # the package holds the function


@pytest.fixture
def folder(make_run):
    made = make_run()
    return build(made.recipe, made.run, "int8", backend="onnxruntime")


def test_another_backend_goes_beside_it(folder):
    new = rebuild(folder, backend="openvino")
    assert new == folder.parent / "int8-openvino"
    old, bundle = open_bundle(folder).manifest, open_bundle(new)
    assert bundle.manifest.backend == "openvino"
    assert bundle.manifest.files["model.onnx"] == old.files["model.onnx"]
    assert bundle.manifest.precision.quantized == old.precision.quantized
    assert bundle.manifest.precision.achieved["int8"] == 4
    self_test(engines.open_engine(bundle), bundle)


def test_the_same_backend_is_built_in_place_and_drops_what_was_measured(folder):
    (folder / "accuracy.json").write_text("{}")
    created = open_bundle(folder).manifest.host
    assert rebuild(folder) == folder
    assert not (folder / "accuracy.json").exists()
    assert open_bundle(folder).manifest.host == created


def test_another_precision_is_refused_with_the_command_that_does_it(folder):
    with pytest.raises(UsageError, match="edgecv build RECIPE --precision fp16"):
        rebuild(folder, precision="fp16")


def test_a_damaged_bundle_is_refused(folder):
    with (folder / "source.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(FileError, match="changed after it was built"):
        rebuild(folder)


def test_it_works_where_torch_and_onnx_are_not_installed(folder):
    code = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "onnxscript", "onnxruntime"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
from edgecv.cli.app import app
app(["build", sys.argv[1], "--backend", "openvino", "--json"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert '"backend": "openvino"' in done.stdout
    assert "self-test passed" in done.stderr


@pytest.mark.parametrize(
    ("backend", "own", "asked", "want"),
    [
        ("tensorrt-rtx", ("sm89",), (), ("sm89",)),
        ("tensorrt-rtx", ("sm89",), ("sm86",), ("sm86",)),
        ("tensorrt", ("sm87",), (), ("sm86", "sm89", "sm120")),
    ],
    ids=["own", "asked", "a-jetsons"],
)
def test_targets_are_those_asked_for_or_rtxs_own(folder, monkeypatch, backend, own, asked, want):
    bundle = open_bundle(folder)
    manifest = bundle.manifest.model_copy(update={"backend": backend, "targets": own})
    seal(folder, manifest)
    seen = []

    def build_engine(name, model, place, options, batch, *, source):
        seen.append(options.targets)
        raise UsageError("enough seen")

    monkeypatch.setattr(rebuild_module, "build_engine", build_engine)
    with pytest.raises(UsageError, match="enough seen"):
        rebuild(folder, backend="tensorrt-rtx", targets=asked, out=folder.parent / "new")
    assert seen == [want]
    assert not (folder.parent / "new").exists()
