"""train: a recipe and its data become weights.safetensors, resumable after any kill."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgecv.data import Dataset, open_dataset
from edgecv.errors import MissingPackage, RecipeError, StaleError, UsageError
from edgecv.files import remove_leftovers
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.recipe import Data, Recipe, Train
from edgecv.train.average import Average
from edgecv.train.checkpoint import (
    Training,
    read_checkpoint,
    restore,
)
from edgecv.train.hardware import Hardware, choose_hardware
from edgecv.train.journal import Journal
from edgecv.train.loop import Loop
from edgecv.train.objective import Objective, objective_of
from edgecv.train.stream import Stream, loader
from edgecv.train.zeros import zeros_of
from edgecv.zoo.registry import class_keys
from edgecv.zoo.sizes import check_input
from edgecv.zoo.weights import read_metadata, start_from, write_weights
from edgecv.zoo.widths import network_of

LOG = "train.jsonl"
_SHOWN = 20  # class names listed in an error


def train(
    recipe: Recipe,
    run: RunFolder,
    *,
    resume: bool = False,
    force: bool = False,
    device: str = "auto",
) -> dict[str, Any]:
    """Train the recipe's network; write its weights, log and checkpoint into the run folder.

    A finished training is left as it is (`skipped` in the result). An interrupted one goes on
    with `resume`, from its last checkpoint; on a CPU, and with the same number of threads, it
    then ends with the very bits of an uninterrupted one. `resume` with nothing to resume starts.

    Args:
        recipe: Needs the sections arch, data and train.
        run: Where the files go.
        resume: Go on from the checkpoint if there is one.
        force: Start over, whatever is there.
        device: `auto`, `cpu` or `cuda`.

    Returns:
        "weights", "steps", "loss", "device", "precision", "seconds", "cpu_seconds", "skipped".

    Raises:
        RecipeError: a section is missing or does not fit the network or the data.
        StaleError: what is in the run folder was made by another recipe.
        UsageError: an unfinished training is there and neither `resume` nor `force` is given.
        ShapeError: the network cannot train on pictures of the recipe's size.
        GateFailed: the loss diverged.
        FileError, IoFailed, MachineError, MissingPackage: as their names say.
    """
    settings, data = _sections(recipe)
    digest = recipe.digest("train")
    remove_leftovers(run.checkpoint)
    if not force and _is_finished(run, digest):
        note(f"train: {run.weights} is finished; --force trains again")
        return {"weights": str(run.weights), "steps": settings.steps, "skipped": True}
    if not (resume or force):
        _refuse_unfinished(run)
    objective = objective_of(recipe)
    dataset = open_dataset(data, "train")
    hardware = choose_hardware(device, settings.precision)
    started, busy = time.perf_counter(), _cpu_seconds()
    loop, training = _prepare(recipe, run, objective, hardware)
    check_classes(training.network, recipe, objective, dataset)
    _take_up(run.checkpoint, loop, training, resume=resume and not force)
    stream = Stream(recipe, dataset, objective.encode, settings.seed)
    steps = range(training.step, settings.steps)
    with Journal(run.path / LOG, training.step) as journal:
        loss = loop.run(training, loader(stream, settings.batch, steps, settings.workers), journal)
    _write(recipe, run, training, digest)
    return {
        "weights": str(run.weights),
        "steps": settings.steps,
        "loss": loss if loss == loss else None,  # nan: resumed after the last step
        "device": hardware.device,
        "precision": hardware.precision,
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(_cpu_seconds() - busy, 1),
        "skipped": False,
    }


def _take_up(checkpoint: Path, loop: Loop, training: Training, *, resume: bool) -> None:
    """Go on from the checkpoint, or start without one."""
    if resume and checkpoint.exists():
        restore(checkpoint, training, loop.digest)
        loop.fabric.strategy.precision.load_state_dict(training.scaler)
        note(f"train: resumed at step {training.step} of {loop.settings.steps}")
    else:
        checkpoint.unlink(missing_ok=True)


def _cpu_seconds() -> float:
    """User and system time of this process and of the loader processes that have ended."""
    return sum(os.times()[:4])


def _sections(recipe: Recipe) -> tuple[Train, Data]:
    if recipe.arch is None:
        raise RecipeError(
            "a foreign model cannot be trained: the recipe names an ONNX file, not an `arch`",
            fix="edgecv build RECIPE takes it as it is",
        )
    if recipe.train is None:
        raise RecipeError("the recipe has no `train` section")
    if recipe.data is None:
        raise RecipeError("the recipe has no `data` section to train on")
    if recipe.train.mixup and recipe.task != "classify":
        raise RecipeError(
            "mixup blends classes: it is for classifiers", task=recipe.task, fix="train: mixup: 0"
        )
    return recipe.train, recipe.data


def _is_finished(run: RunFolder, digest: str) -> bool:
    if not run.weights.exists():
        return False
    if read_metadata(run.weights).get("recipe_digest") == digest:
        return True
    raise StaleError(
        "the run folder holds weights of another recipe: what shapes training has changed",
        file=run.weights,
        fix="--force trains again and replaces them; --runs DIR keeps both",
    )


def _refuse_unfinished(run: RunFolder) -> None:
    if run.checkpoint.exists():
        step = read_checkpoint(run.checkpoint)["step"]
        raise UsageError(
            "an unfinished training is in the run folder",
            checkpoint=run.checkpoint,
            steps_done=step,
            fix="--resume goes on with it, --force starts over",
        )


def _prepare(
    recipe: Recipe, run: RunFolder, objective: Objective, hardware: Hardware
) -> tuple[Loop, Training]:
    try:
        from lightning_fabric import Fabric
    except ImportError as err:
        raise MissingPackage("lightning-fabric", "train", needed_for="train") from err
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it narrates its choices
    settings, _ = _sections(recipe)
    torch.manual_seed(settings.seed)
    network = build_network(recipe)
    check_input(network, (settings.batch, recipe.input.channels, *recipe.input.size))
    if hardware.device == "cpu":
        # 1.4 to 1.7 times as fast there; torch's stubs do not know the argument
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = build_optimizer(network, settings)
    fabric = Fabric(
        accelerator=hardware.device,
        devices=1,
        precision=hardware.fabric_precision,  # type: ignore[arg-type]
    )
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer)
    average = Average(network, settings.ema) if settings.ema else None
    loop = Loop(
        fabric=fabric,
        network=wrapped,
        optimizer=wrapped_optimizer,
        loss=objective.loss,
        settings=settings,
        checkpoint=run.checkpoint,
        digest=recipe.digest("train"),
        zeros=zeros_of(network) if settings.keep_zeros else {},
    )
    return loop, Training(network, optimizer, average, {})


def build_network(recipe: Recipe) -> nn.Module:
    """The recipe's network in training mode, with fresh weights or those of `train.init`.

    Where the file has another number of classes, the layers that give the classes start fresh.
    """
    settings, _ = _sections(recipe)
    arch = recipe.arch
    network = network_of(arch) if arch else nn.Identity()
    if arch and settings.init:
        fresh = start_from(network, settings.init, class_keys(arch.name, arch.args))
        if fresh:
            note(f"train: {settings.init.name} has other classes: {', '.join(fresh)} start fresh")
    return network.train()


def build_optimizer(network: nn.Module, settings: Train) -> torch.optim.Optimizer:
    """AdamW or SGD; biases and normalisation weights (one-dimensional) do not decay."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=settings.lr, fused=True)


def check_classes(
    network: nn.Module, recipe: Recipe, objective: Objective, dataset: Dataset
) -> None:
    """Hold the network's number of classes to the data's, and the head's names to both.

    Raises:
        RecipeError: the numbers differ, or the head has the data's names in another order.
    """
    image = torch.zeros(1, recipe.input.channels, *recipe.input.size)
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        scores = network(image.to(device))[objective.scores]
    network.train()
    counts = {"network": scores.shape[1], "data": len(dataset.names)}
    if recipe.head.names:
        counts["head.names"] = len(recipe.head.names)
    if len(set(counts.values())) > 1:
        raise RecipeError(
            "the number of classes differs",
            **counts,
            fix=f"--set arch.args.classes={counts['data']}, and head.names to match: "
            + json.dumps(dataset.names[:_SHOWN], ensure_ascii=False)
            + (" ..." if len(dataset.names) > _SHOWN else ""),
        )
    _check_order(recipe.head.names, dataset.names)


def _check_order(mine: tuple[str, ...], data: tuple[str, ...]) -> None:
    """Refuse the data's names in another order: results would be called by the wrong class.

    Names of the recipe's own are welcome: ImageNet's folders are numbers.
    """
    for place, (own, name) in enumerate(zip(mine, data, strict=False)):
        if own != name and own in data and name in mine:
            raise RecipeError(
                "head.names has the data's classes in another order",
                class_number=place,
                head_names=own,
                data=name,
                fix="head.names in this order: " + json.dumps(data, ensure_ascii=False),
            )


def _write(recipe: Recipe, run: RunFolder, training: Training, digest: str) -> Path:
    state = training.average.state if training.average else training.network.state_dict()
    arch = recipe.arch.name if recipe.arch else ""
    metadata = {"recipe_digest": digest, "arch": arch, "step": str(training.step)}
    return write_weights(run.weights, state, metadata)
