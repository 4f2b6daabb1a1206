"""What a build starts from is this recipe's own, or is refused with the command that renews it."""

import json

import pytest

from edgecv.build.inputs import read_source
from edgecv.errors import FileError, StaleError
from edgecv.files import sha256_file
from edgecv.pipeline import RunFolder


def asked(made, precision):
    section = made.recipe.build.model_copy(update={"precision": precision})
    return made.recipe.model_copy(update={"build": section})


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(("precision", "table"), [("fp32", False), ("int8", True), ("mixed", True)])
def test_fresh_inputs_are_taken(make_run, precision, table):
    made = make_run()
    source = read_source(asked(made, precision), made.run)
    assert source.model_digest == sha256_file(made.run.model)
    assert (source.ranges is not None) == table


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"model_digest": "f" * 64}, "changed after it was exported"),
        ({"recipe_digest": "f" * 64}, "exported by another recipe"),
        ({"passed": False}, "did not pass its parity gate"),
    ],
)
def test_a_stale_export_is_refused(make_run, values, says):
    made = make_run()
    change(made.run.export_json, **values)
    with pytest.raises(StaleError, match=says) as caught:
        read_source(asked(made, "fp32"), made.run)
    assert caught.value.fix == "edgecv export RECIPE"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"model_digest": "f" * 64}, "measured on another model"),
        ({"recipe_digest": "f" * 64}, "measured by another recipe"),
    ],
)
def test_a_stale_table_is_refused(make_run, values, says):
    made = make_run()
    change(made.run.ranges, **values)
    read_source(asked(made, "fp32"), made.run)  # fp32 needs none
    with pytest.raises(StaleError, match=says):
        read_source(asked(made, "int8"), made.run)


def test_a_table_of_no_recipe_is_held_to_the_model_only(make_run):
    made = make_run()
    change(made.run.ranges, recipe_digest="")
    assert read_source(asked(made, "int8"), made.run).ranges is not None


def test_the_fix_names_the_shipped_recipe(make_run, tmp_path):
    made = make_run()
    with pytest.raises(FileError, match="edgecv export tiny/centernet"):
        read_source(asked(made, "fp32"), RunFolder(tmp_path / "runs", "tiny-centernet"))


def test_the_fix_names_the_foreign_file(make_run):
    made = make_run()
    (made.run.path / "recipe.yaml").write_text(made.file.read_text())
    made.run.ranges.unlink()
    with pytest.raises(FileError, match=r"edgecv calibrate .*tiny\.onnx --data DIR"):
        read_source(asked(made, "int8"), made.run)
