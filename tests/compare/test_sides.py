"""Each side is the same network on the same picture."""

import numpy as np
import pytest

from edgecv.compare.sides import sides_of_bundle, sides_of_recipe
from edgecv.errors import FileError
from edgecv.pipeline import RunFolder
from edgecv.recipe import load_recipe
from edgecv.runtime import load
from edgecv.runtime.preprocess import Preprocessor


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_engine_side_sees_what_the_loaded_bundle_says(classifier, picture):
    folder = classifier.bundle("fp32-openvino")
    graph, engine = sides_of_bundle(folder)
    with load(folder) as model:
        wanted = model(picture)
    assert engine(picture).results.ids.tolist() == wanted.ids.tolist()
    assert np.allclose(engine(picture).raw["logits"], graph(picture).raw["logits"], atol=1e-4)


def test_torch_side_is_the_recipes_network(tmp_path, picture):
    torch = pytest.importorskip("torch", reason="the torch side needs torch: edgecv[train]")
    from edgecv.zoo.registry import create
    from edgecv.zoo.weights import write_weights

    recipe = load_recipe_named("tiny/resnet")
    torch.manual_seed(0)
    net = create(recipe.arch.name, **recipe.arch.args).eval()
    run = RunFolder(tmp_path, "x")
    run.path.mkdir()
    write_weights(run.weights, net.state_dict(), {})
    (side,) = sides_of_recipe(recipe, run)
    batch, _ = Preprocessor(recipe.input).batch([picture])
    with torch.inference_mode():
        wanted = net(torch.from_numpy(batch))["logits"].numpy()
    assert side.name == "torch"
    assert np.array_equal(side(picture).raw["logits"], wanted)


def load_recipe_named(name):
    from edgecv.recipe import shipped_recipes

    return load_recipe(shipped_recipes()[name])


def test_recipe_with_nothing_built_names_the_commands(tmp_path):
    with pytest.raises(FileError, match=r"neither weights nor[\s\S]*edgecv train"):
        sides_of_recipe(load_recipe_named("tiny/resnet"), RunFolder(tmp_path, "x"))
