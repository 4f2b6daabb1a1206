"""Deep Compression end to end: the file decodes to the weights that are used afterwards."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from edgecv.cli.app import app
from edgecv.errors import UsageError
from edgecv.pipeline import run_folder
from edgecv.slim.codec import read_compact
from edgecv.slim.compress import Compression, compress, decode_into
from edgecv.zoo.weights import read_weights


@pytest.fixture(scope="module")
def made(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("compact") / "compact.yaml"
    options = Compression(0.8, steps=2, backend="onnxruntime")
    return compress(*trained, options, out), run_folder(trained[1].root, out)


def test_file_is_smaller_and_both_networks_are_measured(made):
    record, run = made
    sizes = record["sizes"]
    assert sizes["dense"] > sizes["sparse"] > sizes["shared"] > sizes["coded"] * 0.8
    assert record["ratio"] > 6
    before, after = record["rows"]
    assert after["nonzero"] < 0.25 * before["nonzero"]
    assert after["file_bytes"] == (run.path / "weights.compact").stat().st_size
    assert 0 <= after["accuracy"] <= 1


def test_the_file_holds_the_weights_of_the_run(made, tmp_path):
    _, run = made
    used, _ = read_weights(run.weights)
    held, metadata = read_compact(run.path / "weights.compact")
    assert all(np.array_equal(held[key], value.numpy()) for key, value in used.items())
    assert metadata["arch"] == "vgg_tiny"
    again, _ = read_weights(decode_into(run.path / "weights.compact", tmp_path / "w.safetensors"))
    assert all(np.array_equal(held[key], value.numpy()) for key, value in again.items())


def test_layers_share_few_values(made):
    _, run = made
    held, _ = read_compact(run.path / "weights.compact")
    counts = {k: len(np.unique(v[v != 0])) for k, v in held.items() if v.ndim > 1}
    assert all(n <= 256 for k, n in counts.items() if k.startswith("features"))
    assert all(n <= 32 for k, n in counts.items() if k.startswith("classifier"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Compression(share=1.0), "share of weights to cut"),
        (Compression(conv_bits=0), "bits are 1..8"),
        (Compression(dense_bits=9), "bits are 1..8"),
    ],
)
def test_refuses_what_makes_no_sense(trained, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        compress(*trained, options, tmp_path / "x.yaml")
    assert not (tmp_path / "x.yaml").exists()


def test_verb(trained, tmp_path):
    _, run = trained
    source, out = run.root.parent / "net.yaml", tmp_path / "verb-compact.yaml"
    words = ["compress", str(source), "--runs", str(run.root), "--steps", "1", "--no-measure"]
    done = CliRunner().invoke(app, [*words, "--out", str(out), "-q"])
    assert done.exit_code == 0, done.output
    assert "weights.compact" in done.stdout


def test_the_same_command_goes_on_after_ctrl_c(trained, tmp_path, interrupted):
    recipe, run = trained

    def call(name, **more):
        options = Compression(steps=6, measured=False, **more)
        return compress(recipe, run, options, tmp_path / f"{name}.yaml")["sizes"]

    whole = call("whole-compact")
    with pytest.raises(KeyboardInterrupt):
        interrupted(call, "stopped-compact")
    folder = run.root / "stopped-compact"
    assert not (folder / "weights.compact").exists()
    assert call("stopped-compact") == whole
    steps = [json.loads(line)["step"] for line in (folder / "train.jsonl").read_text().splitlines()]
    assert steps == [3, 6]
    # with other bits it starts over: the weights there are those that the file decodes to
    assert call("stopped-compact", conv_bits=2)["coded"] < whole["coded"]
    assert call("stopped-compact") == whole
