"""What was asked of a layer: by the nodes fused in it."""

import json
import shutil

import pytest

from edgecv.bundle import Layer, Manifest, PrecisionRecord, open_bundle, seal
from edgecv.errors import FileError
from edgecv.inspect.layers import asked, side_by_side


def manifest(**record):
    return Manifest.model_construct(precision=PrecisionRecord(**record))


INT8 = manifest(asked="int8", rest="fp16", quantized=("conv0",), kept={"fc": "last layer"})
CASES = [
    pytest.param("conv0,relu0", INT8, "int8", id="fused"),
    pytest.param("fc", INT8, "fp16", id="kept"),
    pytest.param("conv01", INT8, "", id="another-node-with-the-same-start"),
    pytest.param("reorder_3", INT8, "", id="nothing-was-asked"),
    pytest.param("conv0", manifest(asked="fp16"), "fp16", id="fp16"),
    pytest.param("conv0", manifest(asked="tf32"), "fp32", id="tf32-is-stored-as-fp32"),
]


@pytest.mark.parametrize(("name", "record", "want"), CASES)
def test_asked_of_a_layer(name, record, want):
    assert asked(Layer(name=name, type="Convolution", precision="int8"), record) == want


def test_broken_layer_list_is_named(classifier, tmp_path):
    folder = shutil.copytree(classifier.bundle("fp32-openvino"), tmp_path / "b")
    (folder / "layers.json").write_text(json.dumps([{"name": "x"}]))
    seal(folder, open_bundle(folder, check_digests=False).manifest)
    with pytest.raises(FileError, match="layer list does not fit its schema"):
        side_by_side(open_bundle(folder))


def test_bundle_without_a_layer_list_has_no_rows(classifier):
    bundle = open_bundle(classifier.bundle("fp32-openvino"))
    bundle.manifest.files.pop("layers.json")
    assert side_by_side(bundle) == []
