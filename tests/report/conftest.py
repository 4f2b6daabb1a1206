"""Bundles with invented measurements: the report reads numbers, it makes none."""

import json
from pathlib import Path

import pytest

from edgecv.bundle import Manifest, PrecisionRecord, Tensor, seal
from edgecv.head import ClassifyHead
from edgecv.recipe import Input


@pytest.fixture
def make_bundle(tmp_path):
    def make(name, precision, accuracy=None, latency=None, run_id="tiny-net") -> Path:
        folder = tmp_path / run_id / name
        folder.mkdir(parents=True)
        (folder / "engine.onnx").write_bytes(b"x" * 1500)
        manifest = Manifest(
            edgecv="0",
            run_id=run_id,
            task="classify",
            model_digest="0" * 64,
            input=Input(size=(32, 32)),
            head=ClassifyHead(),
            batch=(1, 1, 1),
            inputs=(Tensor(name="images", shape=(1, 3, 32, 32), dtype="float32"),),
            outputs=(Tensor(name="logits", shape=(1, 10), dtype="float32"),),
            precision=PrecisionRecord(asked=precision, achieved={precision: 3}),
            backend="openvino",
            backend_version="2026.4",
            engine="engine.onnx",
            tolerance=1e-3,
            created="2026-11-20",
            files={},
        )
        seal(folder, manifest)
        if accuracy is not None:
            record = {"metric": "top-1", "value": accuracy, "n": 100, "interval": [0.8, 1.0]}
            (folder / "accuracy.json").write_text(json.dumps(record))
        if latency is not None:
            record = {
                "end_to_end": {"p50_ms": latency, "p90_ms": 2 * latency},
                "stages": {"engine": {"p50_ms": latency / 2}},
                "throughput_fps": 10.0,
                "conditions": {"threads": 2},
            }
            (folder / "latency.json").write_text(json.dumps(record))
        return folder

    return make
