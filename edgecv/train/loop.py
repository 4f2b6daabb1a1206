"""The training loop: Lightning Fabric for device and precision, checkpoints that survive a kill."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from edgecv.errors import GateFailed
from edgecv.progress import note, track
from edgecv.recipe import Train
from edgecv.train.checkpoint import Training, save_checkpoint
from edgecv.train.journal import Journal
from edgecv.train.mixup import mix
from edgecv.train.schedule import learning_rate
from edgecv.train.stream import Batch
from edgecv.train.zeros import keep

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LOG_EVERY = 20  # steps; a loss is looked at, and a line logged, this often
NOTES = 10  # lines of progress in a whole run where no bar can be drawn


@dataclass(frozen=True)
class Loop:
    """What stays the same from step to step.

    Attributes:
        fabric: Device and precision.
        network: The network as Fabric wrapped it.
        optimizer: The optimizer as Fabric wrapped it.
        loss: Outputs and batch -> named parts of the loss.
        settings: The recipe's train section.
        checkpoint: Where the state is kept.
        digest: Of the recipe, stored in the checkpoint.
        zeros: Weights that stay zero (`edgecv.train.zeros`).
    """

    fabric: Fabric
    network: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[dict[str, Tensor], Batch], dict[str, Tensor]]
    settings: Train
    checkpoint: Path
    digest: str
    zeros: dict[str, Tensor] = field(default_factory=dict)

    def run(self, training: Training, batches: Iterable[Batch], journal: Journal) -> float:
        """Take the steps that are left, one per batch; returns the last loss logged.

        Raises:
            GateFailed: the loss is no longer finite.
            IoFailed: a checkpoint or the log cannot be written.
        """
        steps, value = self.settings.steps, math.nan
        started, first = time.perf_counter(), training.step
        label = f"train {training.step}/{steps}" if training.step else "train"
        for batch in track(batches, label, steps - training.step):
            rate = learning_rate(training.step, self.settings)
            parts = self._step(batch, rate, training.step)
            keep(training.network, self.zeros)
            if training.average:
                training.average.update(training.network, training.step)
            training.step += 1
            last = training.step == steps
            due = training.step % self.settings.every == 0 or last
            if training.step % LOG_EVERY == 0 or due:
                speed = (training.step - first) / (time.perf_counter() - started)
                value = self._log(journal, training.step, rate, parts, speed)
            if due:
                training.scaler.update(self.fabric.strategy.precision.state_dict())
                save_checkpoint(self.checkpoint, training, self.digest)
        return value

    def _step(self, batch: Batch, rate: float, step: int) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.fabric.device.type == "cpu":
            batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last)
        batch = mix(batch, self.settings.mixup, self.settings.seed, step)
        batch = {key: self.fabric.to_device(value) for key, value in batch.items()}
        parts = self.loss(self.network(batch["image"]), batch)
        total = torch.stack(list(parts.values())).sum()
        self.fabric.backward(total)
        if self.settings.clip:
            self.fabric.clip_gradients(
                self.network, self.optimizer, max_norm=self.settings.clip, error_if_nonfinite=False
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {key: value.detach() for key, value in parts.items()}

    def _log(
        self, journal: Journal, step: int, rate: float, parts: dict[str, Tensor], speed: float
    ) -> float:
        values = {key: float(value) for key, value in parts.items()}
        total = sum(values.values())
        if not math.isfinite(total):
            raise GateFailed(
                "training diverged: the loss is not a finite number",
                step=step,
                learning_rate=f"{rate:.3g}",
                loss=", ".join(f"{key} {value}" for key, value in values.items()),
                fix="--set train.lr=… lower, or --set train.clip=1.0",
            )
        journal.write(
            {"step": step, "loss": total, "parts": values, "lr": rate}
            | {"images_per_s": round(speed * self.settings.batch, 1)}
        )
        if not sys.stderr.isatty() and step % max(1, self.settings.steps // NOTES) < LOG_EVERY:
            note(f"  step {step}/{self.settings.steps}  loss {total:.4f}")
        return total
