"""`edgecv compare`: the report is printed, and a step that changed the results is exit 4."""

import json
from pathlib import Path

from edgecv.errors import UsageError

GAP = {"max_abs": 0.5, "relative": 0.25, "sqnr_db": 12.0}


def report(ok=True):
    row = {"before": "torch", "side": "onnx", "limit": 1e-3, "ok": ok, "tensors": {"logits": GAP}}
    row["agreement"] = {"same_class": 1.0, "max_score_gap": 0.0}
    return {
        "images": 3,
        "source": "held-out",
        "reference": "onnx",
        "rows": [row],
        "layers": [],
        "costs": [],
        "ok": ok,
    }


def test_options_reach_the_stage(stage, edgecv):
    compare = stage("edgecv.compare:compare", report())
    assert edgecv(
        "compare", "a", "b", "--images", 5, "--runs", "R", "--set", "a.b=1", "-q", "--costs"
    )
    assert edgecv("compare", "a").exit_code == 0
    first, second = compare.asked
    assert first == {
        "paths": [Path("a"), Path("b")],
        "images": 5,
        "runs": Path("R"),
        "overrides": ["a.b=1"],
        "costs": True,
    }
    assert second == {
        "paths": [Path("a")],
        "images": 16,
        "runs": Path("runs"),
        "overrides": (),
        "costs": False,
    }
    assert compare.quiet == [True, False]


def test_json_and_text(stage, edgecv):
    stage("edgecv.compare:compare", report())
    assert json.loads(edgecv("compare", "a", "--json").stdout) == report()
    said = edgecv("compare", "a").stdout
    assert said.startswith("3 images (held-out); results judged by onnx\ntorch -> onnx  ok\n")


def test_a_step_that_computes_something_else_is_exit_4_after_the_report(stage, edgecv):
    stage("edgecv.compare:compare", report(ok=False))
    done = edgecv("compare", "a", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (4, report(ok=False))
    assert "onnx" in done.stderr


def test_wrong_usage_is_exit_2(stage, edgecv):
    compare = stage("edgecv.compare:compare", UsageError("one side is nothing to compare"))
    assert edgecv("compare", "a").exit_code == 2
    assert edgecv("compare", "a", "--images", 0).exit_code == 2
    assert edgecv("compare").exit_code == 2
    assert len(compare.asked) == 1
