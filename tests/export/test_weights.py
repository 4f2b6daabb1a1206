"""Which weights a network is exported with: this recipe's, the file named, or random ones."""

from __future__ import annotations

import pytest

from edgecv.errors import FileError, RecipeError, StaleError, UsageError
from edgecv.export.weights import load
from edgecv.files import sha256_file
from edgecv.zoo.registry import create
from edgecv.zoo.weights import write_weights

from .conftest import tiny

torch = pytest.importorskip("torch", reason="networks are torch's: edgecv[train]")


@pytest.fixture(scope="module")
def recipe():
    return tiny("tiny/resnet")


def write(path, recipe, **metadata):
    state = create(recipe.arch.name, **recipe.arch.args).state_dict()
    return write_weights(path, state, metadata)


def same(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_seed_decides_random_weights_and_leaves_torchs_generator_alone(recipe, run):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, facts = load(recipe, run, "random:1")
    again, _ = load(recipe, run, "random:1")
    other, _ = load(recipe, run, "random:2")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert same(first, again)
    assert not same(first, other)
    assert not first.training
    assert facts == {"weights": {"source": "random:1"}, "weights_digest": ""}


@pytest.mark.parametrize(
    "text", ["random:", "random:x", "random:-1", "random:1e3", "random:²", f"random:{2**63}"]
)
def test_random_weights_need_a_seed(recipe, run, text):
    with pytest.raises(UsageError, match="needs a whole number"):
        load(recipe, run, text)


def test_weights_of_the_run_must_be_this_recipes(recipe, run):
    with pytest.raises(FileError, match=r"trained weights not found[\s\S]*fix: edgecv train"):
        load(recipe, run, None)
    write(run.weights, recipe, step="7")
    with pytest.raises(StaleError, match=r"another recipe[\s\S]*trained by: unknown"):
        load(recipe, run, None)
    named, facts = load(recipe, run, run.weights)  # the user vouches for a file that is named
    assert facts["weights"] == {"source": "weights.safetensors", "step": "7"}
    write(run.weights, recipe, recipe_digest=recipe.digest("train"), step="9")
    network, facts = load(recipe, run, None)
    assert facts["weights"] == {"source": "run", "step": "9"}
    assert facts["weights_digest"] == sha256_file(run.weights)
    assert not network.training
    assert not named.training


BAD_WEIGHTS = [
    pytest.param(b"", "is empty", id="empty"),
    pytest.param(b"\x10\0\0\0\0\0\0\0{", "not a whole safetensors", id="truncated"),
    pytest.param(b"\x80\x04cos\nsystem\n.", "weight file", id="pickle"),
]


@pytest.mark.parametrize(("content", "text"), BAD_WEIGHTS)
def test_bad_weights_are_refused(recipe, run, tmp_path, content, text):
    file = tmp_path / "w.bin"
    file.write_bytes(content)
    with pytest.raises(FileError, match=text):
        load(recipe, run, file)


def test_weights_of_another_network_are_refused(recipe, run, tmp_path):
    file = write(tmp_path / "o.safetensors", tiny("tiny/centernet"))
    with pytest.raises(FileError, match="of another network"):
        load(recipe, run, file)


def test_recipe_of_a_foreign_file_has_no_weights(recipe, run):
    foreign = recipe.model_copy(update={"arch": None})
    with pytest.raises(RecipeError, match=r"names no architecture\n  fix: arch:"):
        load(foreign, run, "random:0")
