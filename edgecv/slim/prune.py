"""`edgecv prune`: filters removed or 2:4 sparsity, retrained, and measured before and after."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgecv.errors import UnknownName, UsageError
from edgecv.files import write_json
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.recipe import Backend, Recipe
from edgecv.slim.before import (
    Start,
    load_start,
    pictures,
    require_free,
    retrain,
    retraining,
    write_start,
)
from edgecv.slim.measure import describe, measure, same_backend
from edgecv.slim.outputs import output_layers
from edgecv.slim.pattern import prune_2_4
from edgecv.slim.scores import CRITERIA
from edgecv.slim.structure import prune_filters

if TYPE_CHECKING:
    from torch import nn

PATTERN = "2:4"
METHODS = (*CRITERIA, PATTERN)


class Pruning(NamedTuple):
    """What to do.

    Attributes:
        by: One of METHODS: a criterion for whole filters, or `2:4`.
        share: Of the filters of every layer, for whole filters.
        steps: Of retraining; 0: half of the recipe's.
        pictures: For the data-driven criteria.
        multiple: Widths that are left are multiples of this.
        backend: Which engine measures.
        measured: Whether accuracy and latency are measured.
    """

    by: str = "l2"
    share: float = 0.5
    steps: int = 0
    pictures: int = 256
    multiple: int = 4
    backend: Backend = "auto"
    measured: bool = True


def prune(recipe: Recipe, run: RunFolder, options: Pruning, out: Path) -> dict[str, Any]:
    """Prune a trained network, retrain it, and say what that cost and gained.

    The result is a recipe like any other: `out`, with its run folder beside the first one's.

    Args:
        recipe: Of the trained network.
        run: Its run folder.
        options: What to do.
        out: The recipe to write.

    Returns:
        `recipe`, `run`, and `rows` (before, after), also written as slim.json in the new run.

    Raises:
        EdgecvError: as `load_start`, `prune_filters` and the stages; what was complete is kept.
    """
    if options.by not in METHODS:
        raise UnknownName("way to prune", options.by, METHODS, fix="--by l2")
    require_free(run, out, options.backend)
    start = load_start(recipe, run)
    before = describe(run.run_id, start.network, start.example)
    pattern = options.by == PATTERN
    network = _pruned(start, options)
    slim = write_start(start, network, out, retraining(start, options.steps, keep_zeros=pattern))
    note(f"slim  {out}: {_percent(before, describe('', network, start.example))}")
    retrain(slim)
    after = describe(slim.run.run_id, load_start(slim.recipe, slim.run).network, start.example)
    if options.measured:
        before |= measure(recipe, run, options.backend)
        after |= measure(slim.recipe, slim.run, same_backend(before["bundle"]), sparse=pattern)
    record = {
        "by": options.by,
        "share": None if pattern else options.share,
        "recipe": str(out),
        "run": str(slim.run.path),
        "rows": [before, after],
    }
    write_json(slim.run.path / "slim.json", record)
    return record


def _pruned(start: Start, options: Pruning) -> nn.Module:
    network = copy.deepcopy(start.network)
    if options.by == PATTERN:
        dense = output_layers(network, start.example)
        if not prune_2_4(network, dense):
            raise UsageError(
                "no layer of this network can be 2:4 sparse",
                rule="input channels per group must be a multiple of 4",
            )
        return network
    return prune_filters(
        network,
        start.example,
        options.share,
        options.by,
        pictures=pictures(start, options.pictures),
        multiple=options.multiple,
    )


def _percent(before: dict[str, Any], after: dict[str, Any]) -> str:
    weights, macs = (after[key] / before[key] for key in ("nonzero", "macs"))
    return f"{weights:.0%} of the weights, {macs:.0%} of the arithmetic"
