import pytest

from edgecv.errors import FileError
from edgecv.report.rows import collect, table


def test_front_holds_what_nothing_beats_in_both(make_bundle):
    rows = collect(
        [
            make_bundle("fp32-openvino", "fp32", accuracy=0.95, latency=10.0),
            make_bundle("fp16-openvino", "fp16", accuracy=0.94, latency=12.0),
            make_bundle("int8-openvino", "int8", accuracy=0.93, latency=2.0),
            make_bundle("mixed-openvino", "mixed", latency=1.0),
        ]
    )
    assert [row.front for row in rows] == [True, False, True, False]


def test_runs_do_not_compete(make_bundle):
    rows = collect(
        [
            make_bundle("fp32-openvino", "fp32", accuracy=0.5, latency=10.0, run_id="a"),
            make_bundle("fp32-openvino", "fp32", accuracy=0.9, latency=1.0, run_id="b"),
        ]
    )
    assert all(row.front for row in rows)


def test_unmeasured_is_a_dash_not_a_number(make_bundle):
    (row,) = collect([make_bundle("int8-tensorrt-rtx", "int8")])
    assert (row.value, row.p50_ms, row.fps) == (None, None, None)
    assert row.engine_mb == pytest.approx(0.0015)
    *_, cells, note = table([row]).splitlines()
    assert cells.split()[2:7] == ["-"] * 5
    assert note.startswith("a dash: not measured")
    assert "a dash" not in table([row._replace(p50_ms=1.0, value=0.9, metric="top-1", n=4)])


def test_table_shows_latency_and_interval(make_bundle):
    text = table(collect([make_bundle("int8-openvino", "int8", accuracy=0.9, latency=2.0)]))
    assert "2.00" in text
    assert "4.00" in text
    assert "top-1 0.9000 [0.800, 1.000] n=100" in text


def test_broken_measurement_names_the_bundle(make_bundle):
    folder = make_bundle("int8-openvino", "int8", accuracy=0.9)
    (folder / "accuracy.json").write_text('{"value": "many"}')
    with pytest.raises(FileError, match="measurements of a bundle"):
        collect([folder])
    (folder / "accuracy.json").write_text("[1]")
    with pytest.raises(FileError, match="must be a JSON object"):
        collect([folder])
