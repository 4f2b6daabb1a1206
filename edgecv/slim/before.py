"""What slimming starts from, and the recipe that the slim network gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from edgecv.errors import FileError, RecipeError, StaleError, UnknownName, UsageError
from edgecv.files import read_text, sha256_file, write_text
from edgecv.pipeline import RunFolder, run_folder
from edgecv.recipe import Arch, Backend, Data, Recipe, Train, load_recipe
from edgecv.zoo.weights import load_weights, read_metadata, write_weights
from edgecv.zoo.widths import changed, network_of

if TYPE_CHECKING:
    from torch import Tensor, nn

_KEPT_PATHS = (("data", "root"), ("train", "init"))


class Start(NamedTuple):
    """A trained network of the zoo.

    Attributes:
        recipe: What trained it.
        run: Where its weights are.
        network: With those weights, in evaluation mode.
        example: (1, C, H, W) float32 zeros.
        arch: The recipe's sections, which a foreign model's recipe lacks.
        data: Likewise.
        train: Likewise.
    """

    recipe: Recipe
    run: RunFolder
    network: nn.Module
    example: Tensor
    arch: Arch
    data: Data
    train: Train


class Slim(NamedTuple):
    """A slim network ready to be retrained.

    Attributes:
        recipe: As a user would load it.
        run: Its run folder, beside that of the network it was made from.
        again: Its recipe and first weights were there already, the same: its training may go on.
    """

    recipe: Recipe
    run: RunFolder
    again: bool


def load_start(recipe: Recipe, run: RunFolder) -> Start:
    """The recipe's trained network.

    Raises:
        RecipeError: a foreign model, or a recipe that cannot train.
        FileError: no weights.
        StaleError: weights of another recipe.
    """
    import torch

    if recipe.arch is None or recipe.train is None or recipe.data is None:
        raise RecipeError(
            "only a network of the zoo, trained by its recipe, can be made slimmer",
            lacks=", ".join(k for k in ("arch", "data", "train") if getattr(recipe, k) is None),
            fix="a recipe with these sections (edgecv init); `edgecv zoo` lists networks",
        )
    if not run.weights.is_file():
        raise FileError("weight file not found", file=run.weights, fix="edgecv train RECIPE")
    network = network_of(recipe.arch).eval()
    load_weights(network, run.weights)
    if read_metadata(run.weights).get("recipe_digest") != recipe.digest("train"):
        raise StaleError(
            "the weights were trained by another recipe",
            weights=run.weights,
            fix="edgecv train RECIPE --force",
        )
    example = torch.zeros(1, recipe.input.channels, *recipe.input.size)
    return Start(recipe, run, network, example, recipe.arch, recipe.data, recipe.train)


def pictures(start: Start, count: int, batch: int = 32) -> Iterator[Tensor]:
    """Preprocessed training pictures, (N, C, H, W) float32 each, `count` in all."""
    import torch

    from edgecv.data import open_dataset
    from edgecv.runtime.preprocess import Preprocessor

    dataset, prepare = open_dataset(start.data, "train"), Preprocessor(start.recipe.input)
    indices = [i * len(dataset) // count for i in range(min(count, len(dataset)))]
    for first in range(0, len(indices), batch):
        images = [dataset[i].image for i in indices[first : first + batch]]
        yield torch.from_numpy(prepare.batch(images)[0])


def require_free(start: RunFolder, out: Path, backend: str) -> None:
    """Refuse to write over what the user has; before anything is computed.

    Args:
        start: The run of the network that is made slimmer.
        out: The recipe to write.
        backend: Which engine is to measure.

    Raises:
        UsageError: `out` is no .yaml, or it, its weights or its run folder hold something else than
            what an earlier call made from the same run.
        UnknownName: there is no such engine.
    """
    if backend not in (known := get_args(Backend)):
        raise UnknownName("backend", backend, known)
    if out.suffix not in (".yaml", ".yml"):
        raise UsageError("the slim recipe is a .yaml file", got=out, fix="--out NAME.yaml")
    if out.is_file() and read_text(out, "recipe").startswith(_first_line(start, _weights(out))):
        return
    taken = (out, _weights(out), run_folder(start.root, out).weights)
    for path in taken:
        if path.exists():
            raise UsageError(
                "the slim network would replace what edgecv did not make from this run",
                there=path,
                run=start.path,
                fix="--out OTHER.yaml",
            )


def _weights(out: Path) -> Path:
    return out.with_name(f"{out.stem}.start.safetensors")


def _first_line(run: RunFolder, weights: Path) -> str:
    return f"# Made by edgecv from {run.run_id}; it starts from {weights.name}.\n"


def retraining(start: Start, steps: int, *, keep_zeros: bool) -> dict[str, Any]:
    """How a slim network is retrained: half of the steps (or `steps`), half of the rate."""
    steps = steps or max(1, start.train.steps // 2)
    changes: dict[str, Any] = {"steps": steps, "lr": start.train.lr / 2}
    return changes | ({"keep_zeros": True} if keep_zeros else {})


def write_start(start: Start, network: nn.Module, out: Path, training: Mapping[str, Any]) -> Slim:
    """Write the slim network's weights and its recipe, ready for `edgecv train`.

    Args:
        start: What it was made from.
        network: The slim network.
        out: The recipe to write, a .yaml; the weights go beside it as `<stem>.start.safetensors`.
        training: Keys of the train section that differ (steps, lr, keep_zeros).

    Raises:
        UsageError: as `require_free`.
        IoFailed: it cannot be written.
    """
    require_free(start.run, out, "auto")
    weights = _weights(out)
    there = _digests(out, weights)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    write_weights(weights, state, {"made_by": "edgecv slim"})
    write_text(out, _text(start, network, weights, training))
    recipe, run = load_recipe(out), run_folder(start.run.root, out)
    return Slim(recipe, run, there == _digests(out, weights) and not _is_stale(recipe, run))


def retrain(slim: Slim) -> None:
    """Train it, or go on with the training that was interrupted.

    Raises:
        EdgecvError: as `train`.
    """
    from edgecv.train import train

    train(slim.recipe, slim.run, resume=slim.again, force=not slim.again)


def _digests(*files: Path) -> list[str]:
    return [sha256_file(file) if file.is_file() else "" for file in files]


def _is_stale(recipe: Recipe, run: RunFolder) -> bool:
    """Whether its run folder has weights that another recipe trained."""
    digest = recipe.digest("train")
    return run.weights.is_file() and read_metadata(run.weights).get("recipe_digest") != digest


def _text(start: Start, network: nn.Module, weights: Path, training: Mapping[str, Any]) -> str:
    """The recipe as YAML 1.2."""
    from io import StringIO

    from ruamel.yaml import YAML

    recipe = start.recipe
    content = recipe.model_dump(mode="json", exclude_defaults=True)
    content["task"], content["head"]["kind"] = recipe.task, recipe.head.kind
    variant = network_of(start.arch.model_copy(update={"widths": {}}))
    content["arch"]["widths"] = changed(network, variant)
    for section, key in _KEPT_PATHS:
        if (content.get(section) or {}).get(key):
            content[section][key] = str(Path(content[section][key]).resolve())
    content["train"] |= {"init": weights.name, **training}
    yaml = YAML()
    yaml.default_flow_style = None
    text = StringIO()
    yaml.dump(content, text)
    return _first_line(start.run, weights) + text.getvalue()
