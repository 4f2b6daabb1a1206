"""The slim recipe is one a user can load; stale weights are refused."""

import pytest
import torch

from edgecv.errors import FileError, RecipeError, StaleError, UnknownName, UsageError
from edgecv.pipeline import RunFolder
from edgecv.slim.before import load_start, pictures, require_free, write_start
from edgecv.slim.structure import prune_filters
from edgecv.zoo.widths import network_of


def test_recipe_describes_the_slim_network(trained, tmp_path):
    start = load_start(*trained)
    prune_filters(start.network, start.example, 0.5, "l1")
    recipe, run, _ = write_start(start, start.network, tmp_path / "slim.yaml", {"steps": 2})
    assert (recipe.train.steps, recipe.train.batch, run.run_id) == (2, 8, "slim")
    net = network_of(recipe.arch)
    assert {k: v.shape for k, v in net.state_dict().items()} == {
        k: v.shape for k, v in start.network.state_dict().items()
    }


def test_pictures_are_preprocessed_training_ones(trained):
    batches = list(pictures(load_start(*trained), 10, batch=4))
    assert [tuple(b.shape) for b in batches] == [(4, 3, 16, 16), (4, 3, 16, 16), (2, 3, 16, 16)]
    assert float(torch.cat(batches).abs().max()) <= 1


def test_weights_of_another_recipe_are_refused(trained):
    recipe, run = trained
    other = recipe.model_copy(update={"train": recipe.train.model_copy(update={"steps": 99})})
    with pytest.raises(StaleError, match="trained by another recipe"):
        load_start(other, run)
    with pytest.raises(FileError, match=r"weight file not found[\s\S]*edgecv train"):
        load_start(recipe, RunFolder(run.root, "nobody"))


def test_a_recipe_that_trains_nothing_is_refused(trained):
    recipe, run = trained
    with pytest.raises(RecipeError, match=r"only a network of the zoo[\s\S]*lacks: data, train"):
        load_start(recipe.model_copy(update={"data": None, "train": None}), run)


def test_the_recipe_is_a_yaml(trained, tmp_path):
    start = load_start(*trained)
    with pytest.raises(UsageError, match=r"a \.yaml file"):
        write_start(start, start.network, tmp_path / "slim.txt", {})


def test_nothing_of_the_users_is_replaced(trained, tmp_path):
    recipe, run = trained
    start = load_start(recipe, run)
    mine, other = tmp_path / "mine.yaml", tmp_path / "other.yaml"
    mine.write_text("# my own\n")
    other.with_name("other.start.safetensors").write_text("precious")
    itself = tmp_path / f"{run.run_id}.yaml"  # its run folder is that of the trained network
    for out in (mine, other, itself):
        with pytest.raises(UsageError, match="would replace"):
            write_start(start, start.network, out, {})
    assert mine.read_text() == "# my own\n"
    assert not itself.exists()


def test_what_it_made_itself_is_made_again(trained, tmp_path):
    start, out = load_start(*trained), tmp_path / "again.yaml"
    known = [write_start(start, start.network, out, {}).again for _ in range(2)]
    known.append(write_start(start, start.network, out, {"steps": 9}).again)
    assert known == [False, True, False]
    require_free(start.run, out, "auto")
    with pytest.raises(UnknownName, match="backend 'foo'"):
        require_free(start.run, out, "foo")
