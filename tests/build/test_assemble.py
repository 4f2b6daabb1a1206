"""A bundle is built from fresh inputs only, whole or not at all, and tests itself."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgecv import engines, progress
from edgecv.build import assemble, build
from edgecv.bundle import open_bundle, seal
from edgecv.cuda import driver
from edgecv.engines.golden import read_golden, self_test
from edgecv.errors import (
    FileError,
    GateFailed,
    MachineError,
    ShapeError,
    StaleError,
    UnknownName,
    UnsupportedModel,
    UsageError,
)
from edgecv.files import sha256_file
from edgecv.head import ClassifyHead, DenseHead

PRECISIONS = ("fp32", "tf32", "fp16", "int8")


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_bundle_holds_all_it_says(make_run, precision, backend):
    made = make_run()
    folder = build(made.recipe, made.run, precision, backend=backend)
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    assert folder == made.run.bundle(precision, backend)
    assert set(manifest.files) == {"model.onnx", "source.onnx", "golden.npz", "layers.json"}
    assert (manifest.precision.asked, manifest.backend) == (precision, backend)
    assert manifest.model_digest == sha256_file(made.run.model)
    assert manifest.inputs[0].shape == (1, 3, 16, 16)
    assert manifest.outputs[0].name == "logits"
    assert len(manifest.precision.quantized) == (4 if precision == "int8" else 0)
    layers = json.loads(bundle.path("layers.json").read_text())
    assert {"name", "type", "precision"} == set(layers[0])
    report = self_test(engines.open_engine(bundle), bundle)
    assert report["differences"]["logits"] <= manifest.tolerance
    assert report["same_machine"]["differences"]["logits"] <= 1e-6


def test_what_the_engine_runs_stands_beside_what_was_asked(make_run):
    made = make_run()
    folder = build(made.recipe, made.run, "int8", backend="openvino")
    achieved = open_bundle(folder).manifest.precision.achieved
    assert achieved["int8"] == 4
    assert "bf16" not in achieved


def test_an_engine_that_cannot_run_here_is_still_a_whole_bundle(make_run, monkeypatch, capsys):
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    monkeypatch.setattr(driver, "load_driver", lambda: None)
    progress.set_quiet(False)
    made = make_run("build: {targets: [sm86]}\n")
    folder = build(made.recipe, made.run, "int8", backend="tensorrt-rtx")
    bundle = open_bundle(folder)
    assert bundle.manifest.targets == ("sm86",)
    assert bundle.manifest.precision.achieved["int8"] >= 4
    assert read_golden(bundle.path("golden.npz")).built == {}
    assert "needs an NVIDIA GPU" in capsys.readouterr().err
    assert build(made.recipe, made.run, "int8", backend="tensorrt-rtx") == folder
    assert "up to date" in capsys.readouterr().err
    with pytest.raises(MachineError, match="needs an NVIDIA GPU"):
        engines.open_engine(bundle)


@pytest.mark.parametrize("backend", ["openvino", "auto"])
def test_a_second_build_does_not_type_the_graph(make_run, monkeypatch, backend):
    made = make_run()
    folder = build(made.recipe, made.run, "int8", backend=backend)
    built = sha256_file(folder / "manifest.json")

    def typed(*_):
        raise AssertionError("the graph was typed")

    monkeypatch.setattr(assemble, "_type", typed)
    assert build(made.recipe, made.run, "int8", backend=backend) == folder
    assert sha256_file(folder / "manifest.json") == built
    for change in ({"force": True}, {"out": folder.parent / "other"}):
        with pytest.raises(AssertionError, match="was typed"):
            build(made.recipe, made.run, "int8", backend=backend, **change)
    monkeypatch.setattr("edgecv.build.origin._onnx", lambda: "another")
    with pytest.raises(AssertionError, match="was typed"):
        build(made.recipe, made.run, "int8", backend=backend)


def _flip(folder, backend_name, bit):
    """Flip one bit of the largest weight of the second convolution; reseal the bundle."""
    model = onnx.load(folder / "model.onnx")
    weights = [t for t in model.graph.initializer if len(t.dims) == 4 and np.prod(t.dims) > 100]
    tensor = weights[1]
    value = numpy_helper.to_array(tensor).copy()
    flat = value.reshape(-1)
    index = int(flat.argmax())
    bits = flat.view({1: np.uint8, 2: np.uint16, 4: np.uint32}[flat.itemsize])
    bits[index] ^= bits.dtype.type(1 << (bit % (8 * flat.itemsize)))
    tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    onnx.save(model, folder / "model.onnx")
    seal(folder, open_bundle(folder, check_digests=False).manifest)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("bit", [-1, -2], ids=["sign", "high-bit"])
def test_one_flipped_weight_bit_fails_the_self_test(make_run, precision, backend, bit):
    made = make_run()
    folder = build(made.recipe, made.run, precision, backend=backend)
    _flip(folder, backend, bit)
    bundle = open_bundle(folder)  # the digests are right again: only the self-test can tell
    with pytest.raises(GateFailed, match="self-test failed"):
        self_test(engines.open_engine(bundle), bundle)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(("precision", "bit"), [("fp32", 10), ("fp16", 5), ("int8", 6)])
def test_on_the_machine_that_built_it_even_a_low_bit_shows(make_run, precision, bit, backend):
    """The graph's tolerance leaves room for other processors; the engine's own outputs do not."""
    made = make_run()
    folder = build(made.recipe, made.run, precision, backend=backend)
    _flip(folder, backend, bit)
    bundle = open_bundle(folder)
    with pytest.raises(GateFailed, match="when it was built here"):
        self_test(engines.open_engine(bundle), bundle)


def test_a_second_build_does_nothing_and_force_does(make_run):
    made = make_run()
    folder = build(made.recipe, made.run, "fp32", backend="onnxruntime")
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert build(made.recipe, made.run, "fp32", backend="onnxruntime") == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    build(made.recipe, made.run, "fp32", backend="onnxruntime", force=True)
    assert (folder / "manifest.json").stat().st_mtime_ns != before


@pytest.mark.parametrize("change", ["ranges", "recipe", "damage", "manifest"])
def test_a_bundle_is_rebuilt_when_anything_it_came_from_changed(make_run, change):
    made = make_run()
    folder = build(made.recipe, made.run, "int8", backend="onnxruntime")
    before = (folder / "manifest.json").stat().st_mtime_ns
    if change == "ranges":
        text = made.run.ranges.read_text()
        made.run.ranges.write_text(text.replace('"amax": 4.0', '"amax": 3.5', 1))
    elif change == "recipe":
        made = make_run("build: {keep: [conv0]}\n")
    elif change == "damage":
        with (folder / "model.onnx").open("ab") as file:
            file.write(b"\0")
    else:
        (folder / "manifest.json").write_text("{}")
    build(made.recipe, made.run, "int8", backend="onnxruntime")
    assert (folder / "manifest.json").stat().st_mtime_ns != before
    open_bundle(folder)


def test_no_model_names_the_export_command(make_run):
    made = make_run()
    made.run.model.unlink()
    with pytest.raises(FileError, match="edgecv export"):
        build(made.recipe, made.run, "fp32", backend="onnxruntime")


@pytest.mark.parametrize("precision", ["int8", "mixed"])
def test_no_ranges_names_the_calibrate_command(make_run, precision):
    made = make_run("build: {keep: [conv0]}\n")
    made.run.ranges.unlink()
    with pytest.raises(FileError, match="edgecv calibrate"):
        build(made.recipe, made.run, precision, backend="onnxruntime")
    assert not made.run.bundle(precision, "onnxruntime").exists()


def test_a_build_needs_a_precision_it_knows(make_run):
    made = make_run()
    with pytest.raises(UsageError, match="needs a precision"):
        build(made.recipe, made.run, backend="onnxruntime")
    with pytest.raises(UnknownName, match="fp16"):
        build(made.recipe, made.run, "fp61", backend="onnxruntime")


def test_another_input_size_than_the_graphs_is_refused(make_run):
    made = make_run()
    made.recipe = made.recipe.model_copy(
        update={"input": made.recipe.input.model_copy(update={"size": (32, 16)})}
    )
    with pytest.raises((UnsupportedModel, StaleError), match="recipe"):
        build(made.recipe, made.run, "fp32", backend="onnxruntime")


def test_an_engine_that_computes_something_else_leaves_no_bundle(make_run, monkeypatch):
    made = make_run()
    honest = engines.onnxruntime.OnnxRuntimeEngine.execute

    def execute(self, arrays):
        got = honest(self, arrays)
        return {
            name: value * (1.01 if "tmp" in str(self._file.parent.name) else 1.0)
            for name, value in got.items()
        }

    monkeypatch.setattr(engines.onnxruntime.OnnxRuntimeEngine, "execute", execute)
    with pytest.raises(GateFailed, match="no bundle was written"):
        build(made.recipe, made.run, "fp32", backend="onnxruntime")
    assert sorted(path.name for path in made.run.path.iterdir()) == [
        "export.json",
        "model.onnx",
        "ranges.json",
    ]


def test_auto_takes_what_the_measurement_says(make_run, monkeypatch):
    made = make_run()
    monkeypatch.setattr(assemble, "choose_backend", lambda *a, **k: "openvino")
    folder = build(made.recipe, made.run, "fp32", backend="auto")
    assert folder.name == "fp32-openvino"
    assert open_bundle(folder).manifest.backend == "openvino"


def test_a_dynamic_batch_stays_dynamic(make_run, tiny):
    made = make_run("", model=tiny("n"))
    export = made.recipe.export.model_copy(update={"batch": (1, 2, 4)})
    made.recipe = made.recipe.model_copy(update={"export": export})
    made.run.export_json.unlink()
    folder = build(made.recipe, made.run, "fp32", backend="openvino")
    bundle = open_bundle(folder)
    assert bundle.manifest.batch == (1, 2, 4)
    assert bundle.manifest.inputs[0].shape == (-1, 3, 16, 16)
    assert read_golden(bundle.path("golden.npz")).inputs["images"].shape == (2, 3, 16, 16)


KILLED = """
import sys, time
from pathlib import Path
from edgecv import engines, progress
from edgecv.build import assemble, build
from edgecv.pipeline import RunFolder
from edgecv.recipe import load_recipe
real = assemble.finish
def slow(folder, *rest):
    print("half", flush=True)
    time.sleep(60)
assemble.finish = slow
build(load_recipe(Path(sys.argv[1])), RunFolder(Path(sys.argv[2]), "tiny"), "fp32",
      backend="onnxruntime", force=True)
"""


@pytest.mark.parametrize("before", [False, True], ids=["first", "again"])
def test_a_killed_build_leaves_no_half_bundle(make_run, before):
    made = make_run()
    folder = made.run.bundle("fp32", "onnxruntime")
    digests = None
    if before:
        build(made.recipe, made.run, "fp32", backend="onnxruntime")
        digests = open_bundle(folder).manifest.files
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(made.file), str(made.run.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "half\n", child.stderr.read()
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)
    child.stdout.close()
    child.stderr.close()
    assert folder.exists() == before
    if before:
        assert open_bundle(folder).manifest.files == digests
    build(made.recipe, made.run, "fp32", backend="onnxruntime", force=True)
    open_bundle(folder)


def test_what_a_killed_build_left_goes_when_nobody_can_be_writing_it(make_run):
    made = make_run()
    old, new = (made.run.path / f".fp32-onnxruntime.{name}.tmp" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    build(made.recipe, made.run, "fp32", backend="onnxruntime")
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize(
    ("head", "error", "text"),
    [
        pytest.param(DenseHead(outputs={"predictions": "logits"}), ShapeError, "dense", id="shape"),
        pytest.param(ClassifyHead(outputs={"logits": "y"}), ShapeError, "no output 'y'", id="name"),
    ],
)
def test_outputs_the_head_cannot_read_leave_no_bundle(make_run, head, error, text):
    made = make_run()
    recipe = made.recipe.model_copy(update={"head": head})
    with pytest.raises(error, match=text):
        build(recipe, made.run, "fp32", backend="onnxruntime")
    assert not list(made.run.path.glob("*fp32*"))
