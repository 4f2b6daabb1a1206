import pytest

from edgecv.bundle import PrecisionRecord, open_bundle
from edgecv.errors import FileError, UsageError
from edgecv.evaluate.reference import find_reference

INT8 = PrecisionRecord(asked="int8")


def test_same_backend_is_preferred(copied):
    copied("classify", "fp32-aaa")
    near = copied("classify", "fp32-onnxruntime")
    judged = open_bundle(copied("classify", "int8-onnxruntime", precision=INT8))
    assert find_reference(judged, None).folder == near


def test_another_backend_will_do(copied):
    other = copied("classify", "fp32-openvino")
    judged = open_bundle(copied("classify", "int8-onnxruntime", precision=INT8))
    assert find_reference(judged, None).folder == other


@pytest.mark.parametrize("change", [{"model_digest": "1" * 64}, {"precision": INT8}])
def test_a_stale_or_mislabelled_sibling_is_left_out(copied, change):
    copied("classify", "fp32-onnxruntime", **change)
    judged = open_bundle(copied("classify", "int8-onnxruntime", precision=INT8))
    assert find_reference(judged, None) is None


def test_a_broken_sibling_is_left_out(copied):
    (copied("classify", "fp32-onnxruntime") / "manifest.json").write_text("{")
    judged = open_bundle(copied("classify", "int8-onnxruntime", precision=INT8))
    assert find_reference(judged, None) is None


def test_fp32_has_no_reference(copied):
    copied("classify", "fp32-aaa")
    assert find_reference(open_bundle(copied("classify")), None) is None


def test_a_named_reference_must_fit(copied, tmp_path):
    judged = open_bundle(copied("classify"))
    with pytest.raises(UsageError, match="another task"):
        find_reference(judged, copied("centernet", "fp32-other"))
    with pytest.raises(FileError, match="bundle not found"):
        find_reference(judged, tmp_path / "none")
