"""A bundle is built again from itself: elsewhere, for another backend, without torch or onnx."""

import subprocess
import sys
from importlib import import_module

import pytest

from edgecv import engines
from edgecv.build import build, rebuild
from edgecv.bundle import open_bundle, seal
from edgecv.engines.golden import self_test
from edgecv.errors import FileError, RecipeError, UsageError

rebuild_module = import_module("edgecv.build.rebuild")  # the package holds the function


@pytest.fixture
def folder(make_run):
    made = make_run()
    return build(made.recipe, made.run, "int8", backend="onnxruntime")


@pytest.fixture
def asked(monkeypatch):
    """The options engines are built with; none is built."""
    seen = []

    def build_engine(name, model, place, options, batch, *, source):
        seen.append(options)
        raise UsageError("enough seen")

    monkeypatch.setattr(rebuild_module, "build_engine", build_engine)
    return seen


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
    ("backend", "own", "given", "want"),
    [
        ("tensorrt-rtx", ("sm89",), (), ("sm89",)),
        ("tensorrt-rtx", ("sm89",), ("sm86",), ("sm86",)),
        ("tensorrt", ("sm87",), (), ("sm86", "sm89", "sm120")),
    ],
    ids=["own", "asked", "a-jetsons"],
)
def test_targets_are_those_asked_for_or_rtxs_own(folder, asked, backend, own, given, want):
    bundle = open_bundle(folder)
    manifest = bundle.manifest.model_copy(update={"backend": backend, "targets": own})
    seal(folder, manifest)
    with pytest.raises(UsageError, match="enough seen"):
        rebuild(folder, backend="tensorrt-rtx", targets=given, out=folder.parent / "new")
    assert [options.targets for options in asked] == [want]
    assert not (folder.parent / "new").exists()


def test_the_engine_is_asked_for_as_it_was_first_and_for_what_is_said_now(make_run, asked):
    """2:4 weights pruned on a host run sparse on the board, which has other memory."""
    made = make_run()
    first = {"sparse": True, "workspace_mib": 512, "tolerance": 0.3}
    settings = made.recipe.build.model_copy(update=first)
    recipe = made.recipe.model_copy(update={"build": settings})
    folder = build(recipe, made.run, "int8", backend="onnxruntime")
    with pytest.raises(UsageError, match="enough seen"):
        rebuild(
            folder, backend="tensorrt", overrides=["build.workspace_mib=64", "build.dla_core=1"]
        )
    (options,) = asked
    assert (options.sparse, options.tolerance) == (True, 0.3)
    assert (options.workspace_mib, options.dla_core) == (64, 1)
    assert (options.precision, options.backend) == ("int8", "tensorrt")


def test_what_a_rebuild_was_asked_for_stays_in_the_manifest(folder):
    new = rebuild(folder, backend="openvino", overrides=["build.tolerance=0.2"])
    manifest = open_bundle(new).manifest
    assert (manifest.build.tolerance, manifest.tolerance) == (0.2, 0.2)
    assert open_bundle(rebuild(new)).manifest.tolerance == 0.2


@pytest.mark.parametrize(
    ("item", "error", "match"),
    [
        ("build.rest=fp16", UsageError, "its engine can be asked for"),
        ("build.keep=[c0]", UsageError, "its engine can be asked for"),
        ("input.size=[8, 8]", UsageError, "its engine can be asked for"),
        ("build.workspace_mib=lots", RecipeError, "workspace_mib"),
        ("build.workspace_mib=-1", RecipeError, "greater than or equal to 0"),
    ],
)
def test_only_the_engine_of_a_bundle_can_be_asked_for_otherwise(folder, asked, item, error, match):
    with pytest.raises(error, match=match):
        rebuild(folder, overrides=[item])
    assert asked == []
