"""What slimming starts from, and the recipe that the slim network gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from edgecv.errors import RecipeError, StaleError, UnknownName, UsageError
from edgecv.files import read_text, write_text
from edgecv.pipeline import RunFolder, run_folder
from edgecv.recipe import Backend, Recipe, load_recipe
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
    """

    recipe: Recipe
    run: RunFolder
    network: nn.Module
    example: Tensor


def load_start(recipe: Recipe, run: RunFolder) -> Start:
    """The recipe's trained network.

    Raises:
        RecipeError: a foreign model, or a recipe that cannot train.
        FileError: no weights.
        StaleError: weights of another recipe.
    """
    import torch

    if recipe.arch is None or recipe.train is None or recipe.data is None:
        raise RecipeError("only a network of the zoo with its training data can be made slimmer")
    network = network_of(recipe.arch).eval()
    load_weights(network, run.weights)
    if read_metadata(run.weights).get("recipe_digest") != recipe.digest("train"):
        raise StaleError(
            "the weights were trained by another recipe",
            weights=run.weights,
            fix="edgecv train RECIPE",
        )
    example = torch.zeros(1, recipe.input.channels, *recipe.input.size)
    return Start(recipe, run, network, example)


def pictures(recipe: Recipe, count: int, batch: int = 32) -> Iterator[Tensor]:
    """Preprocessed training pictures, (N, C, H, W) float32 each, `count` in all."""
    import torch

    from edgecv.data import open_dataset
    from edgecv.runtime.preprocess import Preprocessor

    assert recipe.data is not None  # noqa: S101  (load_start refused it)
    dataset, prepare = open_dataset(recipe.data, "train"), Preprocessor(recipe.input)
    indices = [i * len(dataset) // count for i in range(min(count, len(dataset)))]
    for start in range(0, len(indices), batch):
        images = [dataset[i].image for i in indices[start : start + batch]]
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
        raise UsageError("the slim recipe is a .yaml file", got=out)
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


def retraining(recipe: Recipe, steps: int, *, keep_zeros: bool) -> dict[str, Any]:
    """How a slim network is retrained: half of the steps (or `steps`), half of the rate."""
    settings = recipe.train
    assert settings is not None  # noqa: S101  (load_start refused it)
    changes: dict[str, Any] = {"steps": steps or max(1, settings.steps // 2), "lr": settings.lr / 2}
    return changes | ({"keep_zeros": True} if keep_zeros else {})


def write_start(
    start: Start, network: nn.Module, out: Path, training: Mapping[str, Any]
) -> tuple[Recipe, RunFolder]:
    """Write the slim network's weights and its recipe, ready for `edgecv train`.

    Args:
        start: What it was made from.
        network: The slim network.
        out: The recipe to write, a .yaml; the weights go beside it as `<stem>.start.safetensors`.
        training: Keys of the train section that differ (steps, lr, keep_zeros).

    Returns:
        The new recipe as a user would load it, and its run folder (beside the old one).

    Raises:
        UsageError: as `require_free`.
        IoFailed: it cannot be written.
    """
    require_free(start.run, out, "auto")
    weights = _weights(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    write_weights(weights, state, {"made_by": "edgecv slim"})
    write_text(out, _text(start, network, weights, training))
    return load_recipe(out), run_folder(start.run.root, out)


def _text(start: Start, network: nn.Module, weights: Path, training: Mapping[str, Any]) -> str:
    """The recipe as YAML 1.2."""
    from io import StringIO

    from ruamel.yaml import YAML

    recipe = start.recipe
    content = recipe.model_dump(mode="json", exclude_defaults=True)
    content["task"], content["head"]["kind"] = recipe.task, recipe.head.kind
    arch = recipe.arch
    assert arch is not None  # noqa: S101  (load_start refused it)
    content["arch"]["widths"] = changed(network, network_of(arch.model_copy(update={"widths": {}})))
    for section, key in _KEPT_PATHS:
        if (content.get(section) or {}).get(key):
            content[section][key] = str(Path(content[section][key]).resolve())
    content["train"] |= {"init": weights.name, **training}
    yaml = YAML()
    yaml.default_flow_style = None
    text = StringIO()
    yaml.dump(content, text)
    return _first_line(start.run, weights) + text.getvalue()
