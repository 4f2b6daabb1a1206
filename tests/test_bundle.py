"""Bundles: sealed with digests, opened only if whole, unchanged and inside their folder."""

import json

import pytest

from edgecv.bundle import (
    Manifest,
    PrecisionRecord,
    Tensor,
    open_bundle,
    part_folder,
    seal,
)
from edgecv.errors import FileError
from edgecv.head import ClassifyHead
from edgecv.recipe import Input

MANIFEST = Manifest(
    edgecv="0",
    run_id="x",
    task="classify",
    model_digest="a" * 64,
    input=Input(size=(4, 4)),
    head=ClassifyHead(),
    batch=(1, 1, 1),
    inputs=(Tensor(name="images", shape=(1, 3, 4, 4), dtype="float32"),),
    outputs=(Tensor(name="logits", shape=(1, 3), dtype="float32"),),
    precision=PrecisionRecord(asked="fp32"),
    backend="onnxruntime",
    backend_version="1",
    engine="engine.onnx",
    tolerance=1e-4,
    created="2026-11-20T00:00:00+00:00",
    files={},
)


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "fp32-onnxruntime"
    (folder / "kernels").mkdir(parents=True)
    (folder / "engine.onnx").write_bytes(b"engine")
    (folder / "kernels" / "sm86.cubin").write_bytes(b"kernel")
    seal(folder, MANIFEST)
    return folder


def _change(folder, **values):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_sealed_bundle_opens(bundle):
    opened = open_bundle(bundle)
    assert set(opened.manifest.files) == {"engine.onnx", "kernels/sm86.cubin"}
    assert opened.engine.read_bytes() == b"engine"


def test_files_written_later_are_not_digested(bundle):
    (bundle / "accuracy.json").write_text("{}")
    seal(bundle, MANIFEST)
    (bundle / "accuracy.json").write_text('{"value": 1}')
    assert "accuracy.json" not in open_bundle(bundle).manifest.files


def test_one_changed_byte_is_refused(bundle):
    (bundle / "engine.onnx").write_bytes(b"engin3")
    with pytest.raises(FileError, match=r"changed after[\s\S]*file: engine\.onnx[\s\S]*fix:"):
        open_bundle(bundle)
    assert open_bundle(bundle, check_digests=False)


def test_missing_file_is_refused(bundle):
    (bundle / "kernels" / "sm86.cubin").unlink()
    with pytest.raises(FileError, match=r"lacks a file[\s\S]*sm86"):
        open_bundle(bundle)


OUTSIDE = [
    pytest.param("../secret", id="parent"),
    pytest.param("/etc/passwd", id="absolute"),
    pytest.param("kernels/../../secret", id="through-a-folder"),
    pytest.param("..\\secret", id="backslash"),
    pytest.param("C:\\secret", id="drive"),
    pytest.param("", id="empty"),
    pytest.param("a\0b", id="nul"),
    pytest.param("\ud800", id="surrogate"),
    pytest.param("link/secret", id="symlink"),
]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("place", ["engine", "files"])
def test_path_that_leaves_the_folder_is_refused(bundle, tmp_path, name, place):
    (tmp_path / "secret").write_text("secret")
    (bundle / "link").symlink_to(tmp_path)
    _change(bundle, **{place: name if place == "engine" else {name: "0" * 64}})
    with pytest.raises(FileError, match="points outside its folder"):
        open_bundle(bundle)


def test_engine_without_a_digest_is_refused(bundle):
    _change(bundle, files={})
    with pytest.raises(FileError, match="no digest for its engine"):
        open_bundle(bundle)


BROKEN = [
    pytest.param({"schema_version": 2, "novel": 1}, "a newer edgecv", id="newer-schema"),
    pytest.param({"novel": 1}, "key: novel", id="extra"),
    pytest.param({"tolerance": 0}, "key: tolerance", id="self-test-that-cannot-hold"),
    pytest.param({"head": {"kind": "pickle"}}, "key: head", id="head"),
    pytest.param({"batch": "many"}, "key: batch", id="batch"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_broken_manifest_is_named_by_its_key(bundle, change, message):
    _change(bundle, **change)
    with pytest.raises(FileError, match=message):
        open_bundle(bundle)


def test_nan_tolerance_cannot_make_every_self_test_pass(bundle):
    path = bundle / "manifest.json"
    path.write_text(path.read_text().replace("0.0001", "NaN"))
    with pytest.raises(FileError, match="NaN is not JSON"):
        open_bundle(bundle)


def test_folder_without_a_manifest_is_no_bundle(bundle, tmp_path):
    (bundle / "manifest.json").unlink()
    with pytest.raises(FileError, match="bundle manifest not found"):
        open_bundle(bundle)
    with pytest.raises(FileError, match="bundle not found"):
        open_bundle(tmp_path / "none")
    with pytest.raises(FileError, match="bundle not found"):
        open_bundle(bundle / "engine.onnx")


@pytest.fixture
def cascade(bundle):
    """The bundle with a part."""
    inside = part_folder(bundle, "box")
    inside.mkdir(parents=True)
    (inside / "engine.onnx").write_bytes(b"second")
    seal(inside, MANIFEST)
    seal(bundle, MANIFEST.model_copy(update={"parts": ("box",)}))
    return bundle


def test_a_part_opens_with_its_bundle(cascade):
    opened = open_bundle(cascade)
    assert opened.parts["box"].engine.read_bytes() == b"second"
    assert "parts/box/manifest.json" in opened.manifest.files
    assert opened.parts["box"].parts == {}


def test_a_changed_byte_in_a_part_is_refused(cascade):
    (part_folder(cascade, "box") / "engine.onnx").write_bytes(b"another")
    with pytest.raises(FileError, match=r"(?s)changed after it was built.*parts/box/engine.onnx"):
        open_bundle(cascade)


def test_a_part_outside_the_digests_is_refused(cascade):
    path = cascade / "manifest.json"
    listed = json.loads(path.read_text())
    del listed["files"]["parts/box/manifest.json"]
    path.write_text(json.dumps(listed))
    with pytest.raises(FileError, match="no digest for a part"):
        open_bundle(cascade)


@pytest.mark.parametrize("name", ["../box", "", "Box", "a/b", "x" * 33])
def test_a_part_with_a_strange_name_is_refused(cascade, name):
    _change(cascade, parts=[name])
    with pytest.raises(FileError, match=r"(?s)does not fit its schema.*parts"):
        open_bundle(cascade)


def test_parts_have_no_parts(cascade):
    seal(part_folder(cascade, "box"), MANIFEST.model_copy(update={"parts": ("box",)}))
    seal(cascade, MANIFEST.model_copy(update={"parts": ("box",)}))
    with pytest.raises(FileError, match="a part of a bundle must not have parts"):
        open_bundle(cascade)
