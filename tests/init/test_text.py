"""The recipe as text: what is written is read back, and comments say where it comes from."""

from __future__ import annotations

import pytest

from edgecv.init.answers import Settled
from edgecv.init.facts import Facts
from edgecv.init.guess import HeadGuess
from edgecv.init.text import recipe_text
from edgecv.recipe import load_recipe


def settled(*, batch=0, size=(8, 8), names=(), channels=3, output="y"):
    facts = Facts(None, "x", batch, channels, size, 17, (), False, "")
    why = {"kind": "three scores", "activation": "raw"}
    return Settled(
        facts=facts,
        head=HeadGuess("classify", {"logits": output}, 3, {"activation": "softmax"}, why),
        size=(8, 8),
        color="rgb" if channels == 3 else "gray",
        mean=(0.0,) * channels,
        std=(1e-7, 1e6, 0.5)[:channels],
        resize="crop",
        names=names,
        preprocessing="as given",
    )


def read(tmp_path, given, model="m.onnx"):
    file = tmp_path / "r.yaml"
    file.write_text(recipe_text(given, model), encoding="utf-8")
    return load_recipe(file)


def test_recipe_is_read_back_with_its_numbers(tmp_path):
    recipe = read(tmp_path, settled(batch=4))
    assert recipe.model.file == tmp_path / "m.onnx"
    assert (recipe.task, recipe.input.size, recipe.export.batch) == ("classify", (8, 8), 4)
    assert (recipe.input.mean, recipe.input.std) == ((0, 0, 0), (1e-7, 1e6, 0.5))
    assert (recipe.input.resize, recipe.head.activation) == ("crop", "softmax")
    assert recipe.head.outputs == {"logits": "y"}


WORDS = [
    pytest.param("no", id="yaml-1.1-boolean"),
    pytest.param("12", id="number"),
    pytest.param(" # no comment", id="comment"),
    pytest.param('a, b] "}: \\x', id="flow-signs"),
    pytest.param("line\nbreak\tand \x85 \u2028 \x7f \x00", id="control"),
    pytest.param("été \U0001f600 \ufeff", id="unicode"),
]


@pytest.mark.parametrize("word", WORDS)
def test_any_text_is_quoted_so_that_it_stays_the_same_text(tmp_path, word):
    recipe = read(tmp_path, settled(names=(word, "b", "c"), output=word))
    assert recipe.head.names == (word, "b", "c")
    assert recipe.head.outputs == {"logits": word}


def test_comments_say_what_was_read_and_what_is_open():
    text = recipe_text(settled(), "m.onnx")
    assert "size: [8, 8]  # height, width: read from the file\n" in text
    assert "export: {batch: 1}  # the file takes any; [1, 4, 8] would build a dynamic one" in text
    assert "# names: [...]  # 3 classes, shown by number until named" in text
    assert "kind: classify  # three scores" in text
    assert "activation: softmax  # raw" in text
    other = recipe_text(settled(size=(0, 8), batch=2, channels=1), "m.onnx")
    assert "height, width: the file leaves it open" in other
    assert "export: {batch: 2}  # as the file has it" in other
    assert "color: gray  # one channel" in other


def test_output_that_has_its_roles_name_is_not_repeated():
    assert "outputs:" not in recipe_text(settled(output="logits"), "m.onnx")
