"""The table of stages, and where a run's files lie."""

from pathlib import Path

import pytest

from edgecv.pipeline import STAGES, RunFolder, run_folder


def test_every_file_read_was_written_earlier():
    written = set()
    for stage in STAGES:
        assert set(stage.reads) <= written, stage.name
        written.update(stage.writes)


@pytest.mark.parametrize(
    ("recipe", "run_id"),
    [
        pytest.param("recipes/tiny/centernet.yaml", "tiny-centernet", id="below-recipes"),
        pytest.param("site/edgecv/recipes/classify/a.yaml", "classify-a", id="installed"),
        pytest.param("recipes/old/recipes/b.yaml", "b", id="nearest-recipes-folder"),
        pytest.param("mine/net.v2.onnx", "net.v2", id="foreign"),
        pytest.param("recipes.yaml", "recipes", id="named-recipes"),
    ],
)
def test_run_id_is_the_path_below_recipes(tmp_path, recipe, run_id):
    assert run_folder(Path("runs"), tmp_path / recipe) == RunFolder(Path("runs"), run_id)


def test_files_of_a_run_lie_in_its_folder():
    run = RunFolder(Path("runs"), "x")
    names = {path.name for path in (run.weights, run.model, run.export_json, run.ranges)}
    written = {name for stage in STAGES for name in stage.writes}
    assert names <= written
    assert run.bundle("int8", "openvino") == Path("runs/x/int8-openvino")
