import shutil

import numpy as np
import pytest

from edgecv.bundle import PrecisionRecord
from edgecv.errors import (
    FileError,
    GateFailed,
    MachineError,
    UnknownName,
    UnsupportedModel,
    UsageError,
)
from edgecv.evaluate import evaluate
from edgecv.files import read_json
from edgecv.head import ClassifyHead, HeatmapHead
from edgecv.recipe import Data, Evaluate

INT8 = PrecisionRecord(asked="int8")
WRONG = ClassifyHead(names=("green", "red", "blue"), topk=2)  # red and green exchanged


def test_top1_by_hand(copied, colours):
    """29 of 30 right: one picture in "red" is green. Top-5 of three classes is always right."""
    bundle = copied("classify")
    written = evaluate(bundle, data=colours)
    assert written["metric"] == "top-1"
    assert written["value"] == pytest.approx(29 / 30)
    assert written["all"]["top-5"]["value"] == 1
    assert written["n"] == 30
    low, high = written["interval"]
    assert 0.85 < low < 29 / 30 < high <= 1
    recall = {row["name"]: row["recall"] for row in written["per_class"]}
    assert recall == {"red": 0.9, "green": 1.0, "blue": 1.0}
    assert written["confusion"] == [[9, 1, 0], [0, 10, 0], [0, 0, 10]]
    assert read_json(bundle / "accuracy.json", "accuracy") == written


def test_nameless_classes_of_another_number_are_not_judged(copied, colours, tmp_path):
    bundle = copied("classify", head=ClassifyHead())
    assert evaluate(bundle, data=colours)["n"] == 30
    (tmp_path / "two" / "green").mkdir(parents=True)
    shutil.copytree(colours / "red", tmp_path / "two" / "red")
    shutil.copy(colours / "green" / "1.png", tmp_path / "two" / "green")
    with pytest.raises(UsageError, match=r"no names[\s\S]*model: 3\n  data: 2"):
        evaluate(bundle, data=tmp_path / "two")


def test_a_missing_device_is_told_before_missing_data(copied, tmp_path, monkeypatch):
    data = Data(format="imagefolder", root=tmp_path / "none")
    bundle = copied("classify", data=data)
    with pytest.raises(FileError, match="data folder"):
        evaluate(bundle)

    def without_gpu(*_args, **_options):
        raise MachineError("no CUDA device is here")

    monkeypatch.setattr("edgecv.engines.onnxruntime.load_engine", without_gpu)
    with pytest.raises(MachineError, match="no CUDA device"):
        evaluate(bundle)


def test_map_by_hand(copied, squares):
    """8 of 10 boxes exact, 2 elsewhere: precision 0.8 at every recall up to 0.8, since all
    detections score the same and wrong ones come third and eighth; the envelope is worked out."""
    bundle = copied("centernet")
    written = evaluate(bundle, data=squares)
    right = np.array([i not in (2, 7) for i in range(10)])
    precision = np.cumsum(right) / np.arange(1, 11)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.cumsum(right) / 10
    points = np.linspace(0, 1, 101)
    expected = [envelope[recall >= p - 1e-12].max(initial=0) for p in points]
    assert written["metric"] == "mAP@0.5"
    assert written["value"] == pytest.approx(np.mean(expected), abs=0.011)
    assert written["n"] == 10
    assert written["per_class"][0]["objects"] == 10
    assert written["interval"][0] < written["value"] < written["interval"][1]
    assert written["reference"] is None


def test_reference_is_found_and_compared_in_pairs(copied, colours):
    copied("classify")
    same = copied("classify", "int8-onnxruntime", precision=INT8)
    written = evaluate(same, data=colours)
    compared = written["reference"]
    assert written["interval"][0] < written["interval"][1]
    assert compared["bundle"] == "fp32-onnxruntime"
    assert compared["delta"] == 0
    assert compared["delta_interval"] == [0, 0]  # the same answers: no noise is left in a pair


def test_a_worse_bundle_fails_the_gate_after_writing(copied, colours):
    copied("classify")
    worse = copied("classify", "int8-onnxruntime", precision=INT8, head=WRONG)
    with pytest.raises(GateFailed, match="dropped by more than allowed"):
        evaluate(worse, data=colours, max_drop=0.01)
    written = read_json(worse / "accuracy.json", "accuracy")
    assert written["value"] == pytest.approx(11 / 30)
    delta = written["reference"]["delta"]
    low, high = written["reference"]["delta_interval"]
    assert delta == pytest.approx(-18 / 30)
    assert low < delta < high < 0
    assert evaluate(worse, data=colours, max_drop=0.7)["value"] == written["value"]


def test_gate_without_reference_is_refused_before_work(copied, colours):
    lonely = copied("classify", "int8-onnxruntime", precision=INT8)
    with pytest.raises(UsageError, match="needs an fp32 reference"):
        evaluate(lonely, data=colours, max_drop=0.1)
    assert not (lonely / "accuracy.json").exists()


def test_data_of_the_manifest_is_the_default_and_only_its_held_out_half(copied, colour_data):
    written = evaluate(copied("classify", data=colour_data))
    assert 5 < written["n"] < 25
    assert written["data"]["split"] == "val"


def test_images_spread_over_the_classes(copied, colours):
    written = evaluate(copied("classify"), data=colours, images=6)
    assert written["n"] == 6
    assert [row["n"] for row in written["per_class"]] == [2, 2, 2]


def test_weak_detections_enter_the_curve(copied, squares):
    """A head that shows nothing (score 1) is judged with the evaluate section's score."""
    from edgecv.head import CenterNetHead

    shy = CenterNetHead(names=("square",), max_detections=10, score=1.0)
    assert evaluate(copied("centernet", head=shy), data=squares)["value"] > 0.5


def test_no_resamples_no_interval(copied, colours):
    bundle = copied("classify", evaluate=Evaluate(resamples=0))
    assert evaluate(bundle, data=colours)["interval"] is None


def _no_data(copied, colours):
    return evaluate(copied("classify"))


def _too_many(copied, colours):
    return evaluate(copied("classify"), data=colours, images=31)


def _unknown_class(copied, colours):
    head = ClassifyHead(names=("red", "green", "bleu"))
    return evaluate(copied("classify", head=head), data=colours)


def _no_folder(copied, colours):
    return evaluate(copied("classify"), data=colours / "none")


def _built_in_folder(copied, colours):
    return evaluate(copied("classify", data=Data(format="digits", val=3)), data=colours)


def _own_reference(copied, colours):
    bundle = copied("classify")
    return evaluate(bundle, data=colours, reference=bundle)


def _no_bundle(copied, colours):
    return evaluate(colours / "none")


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        pytest.param(_no_data, UsageError, "names no data", id="no-data"),
        pytest.param(_too_many, UsageError, "there are: 30", id="too-many"),
        pytest.param(_unknown_class, UnknownName, "nearest: bleu", id="class"),
        pytest.param(_no_folder, FileError, "data folder not found", id="no-folder"),
        pytest.param(_built_in_folder, UsageError, "built in and have no folder", id="built-in"),
        pytest.param(_own_reference, UsageError, "is the bundle itself", id="own-reference"),
        pytest.param(_no_bundle, FileError, "bundle not found", id="no-bundle"),
    ],
)
def test_wrong_use_is_refused(copied, colours, call, error, match):
    with pytest.raises(error, match=match):
        call(copied, colours)


def test_a_task_without_a_metric_is_refused(copied, colours):
    pose = copied("classify", task="pose", head=HeatmapHead())
    with pytest.raises(UnsupportedModel, match="no metric for task pose"):
        evaluate(pose, data=colours)
