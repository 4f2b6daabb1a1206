"""Calibration tables: round trip, staleness, and what a hostile one is told."""

import json

import pytest
from pydantic import ValidationError

from edgecv.errors import FileError, StaleError
from edgecv.ranges import Range, Ranges, load_ranges

TABLE = Ranges(
    method="entropy",
    images=8,
    model_digest="a" * 64,
    data_digest="b" * 64,
    tensors={"x": Range(amax=2.0, low=-1.0, high=3.0)},
)


def test_round_trip(tmp_path):
    assert load_ranges(TABLE.save(tmp_path / "ranges.json")) == TABLE


def test_table_of_another_model_is_refused_with_the_command_that_renews_it(tmp_path):
    TABLE.require_fresh("a" * 64, tmp_path, "x")
    with pytest.raises(StaleError, match=r"another model[\s\S]*fix: edgecv calibrate r\.yaml"):
        TABLE.require_fresh("c" * 64, tmp_path, "edgecv calibrate r.yaml")


@pytest.mark.parametrize(
    ("low", "high", "amax", "message"),
    [
        pytest.param(0, 1, -1, "amax must be >= 0", id="negative"),
        pytest.param(1, 0, 1, "low <= high", id="crossed"),
        pytest.param(0, 1, float("nan"), "finite", id="nan"),
        pytest.param(0, float("inf"), 1, "finite", id="inf"),
    ],
)
def test_impossible_range_is_refused(low, high, amax, message):
    with pytest.raises(ValidationError, match=message):
        Range(low=low, high=high, amax=amax)


BROKEN = [
    pytest.param({"method": "guess"}, "key: method", id="method"),
    pytest.param({"schema_version": 2}, "key: schema_version", id="newer"),
    pytest.param({"tensors": {"x": {"amax": 1}}}, r"key: tensors\.x\.low", id="range"),
    pytest.param({"os": 1}, "key: os", id="extra"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_broken_table_is_named_by_its_key(tmp_path, change, message):
    path = tmp_path / "ranges.json"
    path.write_text(json.dumps({**TABLE.model_dump(mode="json"), **change}))
    with pytest.raises(FileError, match=rf"calibration table does not fit[\s\S]*{message}"):
        load_ranges(path)
