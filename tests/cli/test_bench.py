"""`edgecv bench`: what is not asked for comes from the bundle; a table of what was measured."""

import json

import pytest

from edgecv.bundle import open_bundle
from edgecv.errors import MachineError

TIMES = {"p50_ms": 1.0, "p90_ms": 2.5, "p99_ms": 12.25}
MEASURED = {
    "stages": {"pre": TIMES, "engine": TIMES},
    "end_to_end": {"p50_ms": 3.0, "p90_ms": 4.0, "p99_ms": 5.0},
    "throughput_fps": 250.5,
    "peak_rss_mib": 99.5,
    "conditions": {"streams": 2},
}
GPU = {"engine": TIMES, "closed_loop_no_graph": {"p50_ms": 7.0}, "gpu": {"steady": True}}


@pytest.fixture
def bundle(tiny_bundle):
    return tiny_bundle("classify")


def test_options_replace_the_bundles(stage, edgecv, bundle):
    bench = stage("edgecv.bench:bench", MEASURED)
    own = open_bundle(bundle).manifest.bench
    assert edgecv("bench", bundle).exit_code == 0
    assert edgecv("bench", bundle, "--streams", 3, "--frames", 7, "--threads", 0, "-q").stdout
    given = own.model_copy(update={"streams": 3, "frames": 7, "threads": 0})
    assert given != own
    assert bench.asked == [
        {"bundle": bundle, "options": own},
        {"bundle": bundle, "options": given},
    ]
    assert bench.quiet == [False, True]


def test_json_is_all_of_it_and_text_a_table(stage, edgecv, bundle):
    stage("edgecv.bench:bench", MEASURED)
    assert json.loads(edgecv("bench", bundle, "--json").stdout) == MEASURED
    assert edgecv("bench", bundle).stdout.splitlines() == [
        "ms                p50      p90      p99",
        "pre             1.000    2.500   12.250",
        "engine          1.000    2.500   12.250",
        "end to end      3.000    4.000    5.000",
        "throughput 250.5 frames/s (2 streams), peak memory 99.5 MiB",
    ]


@pytest.mark.parametrize("steady", [True, False, None])
def test_a_gpu_whose_clock_was_not_seen_to_be_steady_is_told(stage, edgecv, bundle, steady):
    device = {**GPU, "gpu": {"steady": steady}}
    stage("edgecv.bench:bench", {**MEASURED, "device": device})
    said = edgecv("bench", bundle).stdout
    assert "GPU: engine alone 1.000 ms, end to end without graph 7.000 ms" in said
    assert ("do not trust this" in said) == (steady is not True)


def test_exit_codes(stage, edgecv, bundle, tmp_path):
    bench = stage("edgecv.bench:bench", MachineError("no such device"))
    assert edgecv("bench", bundle).exit_code == 3
    assert edgecv("bench", tmp_path).exit_code == 2
    assert edgecv("bench", bundle, "--frames", 0).exit_code == 2
    assert len(bench.asked) == 1
