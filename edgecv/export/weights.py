"""Which weights a network is exported with, and whether they are this recipe's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecv.errors import FileError, RecipeError, StaleError, UsageError
from edgecv.files import sha256_file
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.recipe import Recipe

RANDOM = "random:"


def load(recipe: Recipe, run: RunFolder, weights: Path | str | None) -> tuple[Any, dict[str, Any]]:
    """The recipe's network with weights, in evaluation mode, and what export.json says of them.

    Args:
        recipe: Its `arch` names the network.
        run: Holds the trained weights.
        weights: None: the run's, which must be this recipe's. A file: that one, as the user
            vouches for it. `torchvision:TAG`, `timm:TAG` or an https address: published ones, see
            `zoo.published.weight_file`. `random:SEED`: fresh weights, for builds and benchmarks.

    Raises:
        StaleError: the run's weights were trained by another recipe.
        FileError: no weights, or they do not fit the network.
        UsageError: a seed that is no number.
    """
    import torch

    from edgecv.zoo.published import weight_file
    from edgecv.zoo.weights import load_weights
    from edgecv.zoo.widths import network_of

    if recipe.arch is None:
        raise RecipeError("the recipe names no architecture", fix="arch: {name: NAME}")
    text = "" if weights is None else str(weights)
    seed = _seed(text)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0 if seed is None else seed)
        network = network_of(recipe.arch).eval()
    if seed is not None:
        note("export  random weights: fit for builds and benchmarks, not for results")
        return network, {"weights": {"source": f"{RANDOM}{seed}"}, "weights_digest": ""}
    path = run.weights if weights is None else weight_file(recipe.arch.name, text)
    if weights is None and not path.is_file():
        raise FileError(
            "trained weights not found",
            file=path,
            fix="edgecv train RECIPE, or give --weights FILE (random:0 for a build test)",
        )
    metadata = load_weights(network, path)
    if weights is None:
        _require_fresh(metadata, recipe, path)
    source = "run" if weights is None else text if ":" in text else path.name
    facts = {"source": source, "step": metadata.get("step", "")}
    return network.eval(), {"weights": facts, "weights_digest": sha256_file(path)}


def _seed(text: str) -> int | None:
    if not text.startswith(RANDOM):
        return None
    digits = text.removeprefix(RANDOM)
    if not (digits.isascii() and digits.isdigit() and int(digits) < 2**63):
        raise UsageError("--weights random:SEED needs a whole number", got=text)
    return int(digits)


def _require_fresh(metadata: dict[str, str], recipe: Recipe, path: Path) -> None:
    made, wanted = metadata.get("recipe_digest", ""), recipe.digest("train")
    if made != wanted:
        raise StaleError(
            "the weights were trained by another recipe",
            weights=path,
            trained_by=made[:12] or "unknown",
            recipe=wanted[:12],
            fix="edgecv train RECIPE, or name the file: --weights FILE",
        )
