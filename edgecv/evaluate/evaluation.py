"""From a bundle and held-out pictures to accuracy.json."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from edgecv._version import __version__
from edgecv.bundle import Bundle, Manifest, open_bundle
from edgecv.data import Dataset
from edgecv.errors import GateFailed, MachineError, MissingPackage, UnsupportedModel, UsageError
from edgecv.evaluate.held_out import chosen, class_map, held_out
from edgecv.evaluate.reference import find_reference
from edgecv.evaluate.scores import TOP, ClassifyJudge, DetectJudge, Judge, Score
from edgecv.files import write_json
from edgecv.head import ClassifyHead, Head
from edgecv.metrics import image_weights, percentile_interval
from edgecv.progress import note, track
from edgecv.recipe import Data
from edgecv.runtime import load

if TYPE_CHECKING:
    from edgecv.runtime.model import Model

Array = npt.NDArray[Any]

CHUNK = 32  # pictures held in memory at a time
JUDGED = ("classify", "detect")  # tasks that have a metric
SEED = 0  # of the bootstrap: the same pictures give the same interval


def evaluate(
    bundle: Path,
    *,
    data: Data | Path | None = None,
    reference: Path | None = None,
    images: int = 0,
    max_drop: float | None = None,
) -> dict[str, Any]:
    """Judge a bundle on held-out pictures and write BUNDLE/accuracy.json.

    The main metric is top-1 accuracy (classify) or COCO's mAP@0.5 (detect), with a 95 % bootstrap
    interval over pictures. The fp32 reference runs on the same pictures, so the interval of the
    difference is that of a paired bootstrap.

    Args:
        bundle: The bundle's folder.
        data: A data section, or a folder in place of the section's root; none: the bundle's own.
        reference: Bundle to compare with; none: the sibling `fp32-*` if there is one.
        images: Held-out pictures to judge on, evenly spread; 0: what the recipe says.
        max_drop: Largest allowed loss of the main metric against the reference.

    Returns:
        What was written: metric, value, interval, n, all (each number with its interval),
        per_class, and reference (value, delta, delta_interval) or None.

    Raises:
        FileError: the bundle or the data are missing or broken.
        UsageError: nothing to judge on, more pictures asked for than there are, or `max_drop`
            without a reference.
        GateFailed: the drop is larger than `max_drop`; accuracy.json is written.
        MachineError, MissingPackage: this machine cannot run the bundle.
        UnsupportedModel: the task has no metric yet.
    """
    opened = open_bundle(bundle)
    manifest = opened.manifest
    if manifest.task not in JUDGED:
        raise UnsupportedModel(
            f"there is no metric for task {manifest.task} yet",
            known=", ".join(JUDGED),
            fix="edgecv compare BUNDLE OTHER says how far its results are from another bundle's",
        )
    section, folder = (None, data) if isinstance(data, Path) else (data, None)
    with load(bundle) as model:  # before the data: a machine that cannot run it need not have them
        dataset = held_out(manifest, section, folder)
        places = chosen(len(dataset), images or manifest.evaluate.images)
        other = _reference(opened, reference, max_drop)
        must_compare = reference is not None or max_drop is not None
        judges = _run(model, other, must_compare, dataset, places)
    weights = image_weights(len(places), manifest.evaluate.resamples, SEED)
    mine = judges[0].score(weights)
    written = _record(opened, dataset, len(places), mine)
    if other is not None and len(judges) > 1:
        written["reference"] = _difference(other, mine, judges[1].score(weights))
    write_json(bundle / "accuracy.json", written)
    _gate(written, max_drop)
    return written


def _reference(bundle: Bundle, given: Path | None, max_drop: float | None) -> Bundle | None:
    other = find_reference(bundle, given)
    if max_drop is not None and other is None:
        raise UsageError(
            "--max-drop needs an fp32 reference beside the bundle",
            bundle=bundle.folder,
            fix="edgecv build RECIPE --precision fp32",
        )
    return other


def _run(
    model: Model, reference: Bundle | None, must_compare: bool, dataset: Dataset, places: Array
) -> list[Judge]:
    """Both models over the same pictures, each picture made or read once."""
    with ExitStack() as stack:
        pairs = [(model, _judge(model, dataset))]
        if reference is not None:
            try:
                other = stack.enter_context(load(reference.folder))
                pairs.append((other, _judge(other, dataset)))
            except (MachineError, MissingPackage) as err:
                if must_compare:
                    raise
                note(f"reference {reference.folder.name} is left out: {err.what}")
        heads = [_judging_head(each.bundle.manifest) for each, _ in pairs]
        starts = range(0, len(places), CHUNK)
        name = model.bundle.folder.name
        for start in track(starts, f"evaluate {name}", total=len(starts)):
            samples = [dataset[int(i)] for i in places[start : start + CHUNK]]
            pictures = [sample.image for sample in samples]
            for (each, judge), head in zip(pairs, heads, strict=True):
                results = each.results(pictures, head=head)
                for found, sample in zip(results, samples, strict=True):
                    judge.add(found, sample)
        return [judge for _, judge in pairs]


def _judge(model: Model, dataset: Dataset) -> Judge:
    manifest = model.bundle.manifest
    names = manifest.head.names
    ids = class_map(dataset.names, names, _classes(manifest))
    if manifest.task == "classify":
        return ClassifyJudge(names or dataset.names, ids)
    return DetectJudge(names or dataset.names, ids)


def _classes(manifest: Manifest) -> int:
    """How many classes a classifier has; 0 for other tasks, where the head's decoding says it."""
    scores = manifest.outputs[0].shape
    return math.prod(scores[1:]) if manifest.task == "classify" and min(scores[1:]) > 0 else 0


def _judging_head(manifest: Manifest) -> Head:
    """The bundle's head, keeping what a metric needs: weak detections, enough classes."""
    head = manifest.head
    if isinstance(head, ClassifyHead):
        return head.model_copy(update={"topk": max(head.topk, TOP)})
    score: float = getattr(head, "score", 0.0)  # every head of a detector has one
    return head.model_copy(update={"score": min(score, manifest.evaluate.score)})


def _record(bundle: Bundle, dataset: Dataset, count: int, score: Score) -> dict[str, Any]:
    manifest = bundle.manifest
    intervals = _intervals(score.resampled)
    named = zip(score.values.items(), intervals, strict=True)
    return {
        "metric": score.metric,
        "value": score.values[score.metric],
        "interval": intervals[0],
        "n": count,
        "all": {name: {"value": value, "interval": pair} for (name, value), pair in named},
        **score.details,
        "resamples": manifest.evaluate.resamples,
        "score_from": None if manifest.task == "classify" else manifest.evaluate.score,
        "data": {"split": "val", "pictures": len(dataset), "digest": dataset.digest()},
        "precision": manifest.precision.asked,
        "backend": manifest.backend,
        "model_digest": manifest.model_digest,
        "edgecv": __version__,
        "reference": None,
    }


def _difference(reference: Bundle, mine: Score, theirs: Score) -> dict[str, Any]:
    """The reference's numbers, and ours minus theirs under the same resamples."""
    deltas = _intervals(mine.resampled - theirs.resampled)
    own = _intervals(theirs.resampled)
    name = mine.metric
    return {
        "bundle": reference.folder.resolve().name,
        "metric": name,
        "value": theirs.values[name],
        "interval": own[0],
        "delta": mine.values[name] - theirs.values[name],
        "delta_interval": deltas[0],
        "all": {
            key: {
                "value": theirs.values[key],
                "delta": mine.values[key] - theirs.values[key],
                "delta_interval": pair,
            }
            for key, pair in zip(mine.values, deltas, strict=True)
        },
    }


def _intervals(resampled: Array) -> list[list[float] | None]:
    pairs = [percentile_interval(column) for column in resampled.T]
    return [None if pair is None else list(pair) for pair in pairs]


def _gate(written: dict[str, Any], max_drop: float | None) -> None:
    reference = written["reference"]
    if max_drop is None or reference is None or reference["delta"] >= -max_drop:
        return
    raise GateFailed(
        f"{written['metric']} dropped by more than allowed",
        value=round(written["value"], 4),
        reference=f"{reference['value']:.4f} ({reference['bundle']})",
        drop=round(-reference["delta"], 4),
        allowed=max_drop,
        n=written["n"],
        fix="calibrate with another method, or keep layers in higher precision: build.keep",
    )
