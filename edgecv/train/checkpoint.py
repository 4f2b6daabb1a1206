"""checkpoint.pt: everything a training needs to go on as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgecv.errors import FileError, IoFailed, StaleError
from edgecv.files import whole_file
from edgecv.train.average import Average

FORMAT = 1


@dataclass
class Training:
    """What changes while training.

    Attributes:
        network: The network, on its device.
        optimizer: Its optimizer.
        average: The moving average; none if the recipe wants none.
        scaler: State of the fp16 loss scaler; empty in other precisions.
        step: Steps done.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: Average | None
    scaler: dict[str, Any]
    step: int = 0


def save_checkpoint(path: Path, training: Training, recipe_digest: str) -> None:
    """Write the whole state, or leave the previous checkpoint as it was.

    Raises:
        IoFailed: the disk is full or the folder cannot be written.
    """
    content = {
        "format": FORMAT,
        "recipe_digest": recipe_digest,
        "step": training.step,
        "network": training.network.state_dict(),
        "average": training.average.state if training.average else None,
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler,
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    with whole_file(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as err:  # torch's writer hides the OSError of a full disk in one
            raise IoFailed(
                "cannot write the checkpoint; the one before it is kept",
                file=path,
                reason=str(err).split("\n")[0][:200],
                fix="free some disk space, then edgecv train RECIPE --resume",
            ) from err


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint; nothing in it is run.

    Raises:
        FileError: truncated, hostile, or not a checkpoint of this edgecv.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # torch's reader fails in many ways on a broken file
        raise FileError(
            "the checkpoint cannot be read",
            file=path,
            reason=str(err).split("\n")[0][:200],
            fix="edgecv train RECIPE --force starts over",
        ) from err
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileError(
            "not a checkpoint of this edgecv",
            file=path,
            fix="edgecv train RECIPE --force starts over",
        )
    return content


def restore(path: Path, training: Training, recipe_digest: str) -> None:
    """Put the checkpoint's state into `training` and into torch's random generators.

    Raises:
        FileError: as `read_checkpoint`.
        StaleError: the checkpoint is of another recipe.
    """
    content = read_checkpoint(path)
    if content["recipe_digest"] != recipe_digest:
        raise StaleError(
            "the checkpoint was made by another recipe: what shapes training has changed",
            file=path,
            checkpoint=content["recipe_digest"][:12],
            recipe=recipe_digest[:12],
            fix="undo the change, or edgecv train RECIPE --force starts over",
        )
    training.network.load_state_dict(content["network"])
    training.optimizer.load_state_dict(content["optimizer"])
    if training.average:
        for key, value in content["average"].items():
            training.average.state[key].copy_(value)
    training.scaler.update(content["scaler"])
    training.step = content["step"]
    torch.set_rng_state(content["rng"])
    if content["cuda_rng"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(content["cuda_rng"])
