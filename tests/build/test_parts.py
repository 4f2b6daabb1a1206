"""Parts of a bundle, end to end: a tiny Mask R-CNN of three ONNX files, built, opened, run."""

import json

import numpy as np
import pytest

from edgecv import load
from edgecv.build import build
from edgecv.build.parts import PartOptions, add_part
from edgecv.build.rebuild import rebuild
from edgecv.bundle import MANIFEST, open_bundle
from edgecv.doctor.bundle import bundle_here
from edgecv.errors import FileError, UnsupportedModel, UsageError
from edgecv.files import sha256_file, write_json
from edgecv.inspect import as_text, inspect
from edgecv.pipeline import RunFolder
from edgecv.recipe import Build, load_recipe
from edgecv.results import Instances
from tests.build.two_stage import SIZE, box_part, first_stage, mask_part, save

RECIPE = f"""
model: {{file: first.onnx}}
task: instance
input: {{size: [{SIZE}, {SIZE}], mean: [127.5, 127.5, 127.5], std: [63, 63, 63]}}
head: {{kind: two_stage_masks, names: [cat, dog], proposals: 20, score: 0.3, max_detections: 5}}
export: {{opset: 17}}
"""


@pytest.fixture
def bundle(tmp_path):
    """A bundle of the first stage alone."""
    file = tmp_path / "rcnn.yaml"
    file.write_text(RECIPE)
    recipe, run = load_recipe(file), RunFolder(tmp_path / "runs", "rcnn")
    run.path.mkdir(parents=True)
    save(first_stage(), run.model)
    record = {"model_digest": sha256_file(run.model), "recipe_digest": recipe.digest("export")}
    write_json(run.export_json, record)
    return build(recipe, run, "fp32", backend="onnxruntime")


@pytest.fixture
def whole(bundle, tmp_path):
    """With its parts."""
    add_part(bundle, "box", save(box_part(), tmp_path / "box.onnx"))
    mask = save(mask_part(4), tmp_path / "mask.onnx")  # a fixed batch
    return add_part(bundle, "mask", mask, PartOptions(build=Build(precision="fp16")))


def test_a_part_is_a_bundle_inside_the_bundle(whole):
    opened = open_bundle(whole)
    assert opened.manifest.parts == ("box", "mask")
    box, mask = opened.parts["box"].manifest, opened.parts["mask"].manifest
    assert (box.batch, mask.batch) == ((1, 100, 1000), (4, 4, 4))
    assert box.inputs[0].shape == (-1, 4, 7, 7)
    assert (box.precision.asked, mask.precision.asked) == ("fp32", "fp16")
    assert {"parts/box/manifest.json", "parts/box/golden.npz"} <= set(opened.manifest.files)


def test_it_runs_from_picture_to_masks(whole, rng):
    image = rng.integers(0, 256, (48, 96, 3), dtype=np.uint8)
    with load(whole) as model:
        found = model(image)
        assert isinstance(found, Instances)
        assert 0 < len(found) <= 5
        assert found.masks().shape == (len(found), 48, 96)
        assert found.soft[0].shape == (28, 28)
        timed, _ = model.timed(image)
        assert timed.boxes.tolist() == found.boxes.tolist()
        parts = dict(model.parts)
    assert set(parts) == {"box", "mask"}


def test_a_bundle_without_its_parts_is_refused(bundle):
    with pytest.raises(FileError, match=r"(?s)lacks the part its head two_stage_masks needs.*box"):
        load(bundle)


def test_a_changed_byte_in_a_part_is_refused(whole):
    engine = open_bundle(whole).parts["box"].engine
    data = bytearray(engine.read_bytes())
    data[-1] ^= 1
    engine.write_bytes(bytes(data))
    with pytest.raises(FileError, match=r"(?s)was changed after it was built.*parts/box/"):
        open_bundle(whole)


def test_a_part_is_replaced_and_the_rest_stays(whole, tmp_path):
    before = open_bundle(whole)
    add_part(whole, "box", save(box_part(8), tmp_path / "other.onnx"))
    after = open_bundle(whole)
    assert after.manifest.parts == ("box", "mask")
    assert after.parts["box"].manifest.batch == (8, 8, 8)
    mask = "parts/mask/golden.npz"
    assert after.manifest.files[mask] == before.manifest.files[mask]


def test_inspect_and_doctor_know_parts(whole):
    report = inspect(whole)
    assert report["parts"]["box"]["batch"] == [1, 100, 1000]
    assert "part mask" in as_text(report)
    json.dumps(report)
    assert bundle_here(whole)["self_test"] == "passed"


def test_rebuilding_builds_every_part(whole, tmp_path):
    pytest.importorskip("openvino")
    made = open_bundle(rebuild(whole, backend="openvino", out=tmp_path / "fp32-openvino"))
    assert made.manifest.parts == ("box", "mask")
    assert {part.manifest.backend for part in made.parts.values()} == {"openvino"}


def test_refuses_parts_the_head_does_not_know(bundle, tmp_path):
    with pytest.raises(UsageError, match=r"(?s)has no part 'nose'.*box, mask"):
        add_part(bundle, "nose", tmp_path / "box.onnx")


def test_a_failed_part_leaves_the_bundle_as_it_was(bundle, tmp_path):
    before = (bundle / MANIFEST).read_bytes()
    model = mask_part()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_param = "tall"
    file = save(model, tmp_path / "open.onnx")
    with pytest.raises(UnsupportedModel, match="only a part's batch may be dynamic"):
        add_part(bundle, "mask", file)
    assert (bundle / MANIFEST).read_bytes() == before
    assert not [path for path in bundle.parent.iterdir() if path.name.startswith(".")]
