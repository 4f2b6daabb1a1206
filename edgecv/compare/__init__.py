"""Image-to-result parity: torch, ONNX Runtime and engines on the same real pictures.

The sides form a chain, torch -> exported graph -> (per bundle) typed graph -> engine. Each is
compared with the one before it, so the stage that diverges is the row that says so, and with the
first, which is what a user sees in the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgecv.bundle import Manifest, open_bundle
from edgecv.compare.differences import Agreement, TensorGap
from edgecv.compare.sides import Seen, Side, sides_of_bundle, sides_of_recipe
from edgecv.errors import EdgecvError, GateFailed, ShapeError, UsageError
from edgecv.files import write_json
from edgecv.pipeline import run_folder
from edgecv.progress import note, track
from edgecv.recipe import Data, Input, find_recipe, load_recipe
from edgecv.runtime.preprocess import Preprocessor

Array = npt.NDArray[Any]
LAYER_IMAGES = 4  # inner tensors of every node are kept for one image at a time
DIVERGES_DB = 20.0  # noise of 10 % of the signal's amplitude


def compare(
    paths: Sequence[Path],
    *,
    images: int = 16,
    runs: Path = Path("runs"),
    overrides: Sequence[str] = (),
    costs: bool = False,
) -> dict[str, Any]:
    """Compare a recipe's network and its bundles, or bundles with each other.

    Args:
        paths: A recipe or a bundle, then bundles. The first is what the others are judged by.
        images: Held-out pictures to compare on.
        runs: Folder the recipe's artifacts live in.
        overrides: `section.key=value` for the recipe.
        costs: Also leave each int8 node in float in turn, and write BUNDLE/costs.json.

    Returns:
        `images`, `source` (where the pictures are from), `reference`; `rows`, one a step of the
        chain: `side`, `before`, `tensors` (role -> `max_abs`, `relative`, `sqnr_db` against
        `before`), `limit`, `ok`, `agreement` (against the reference); `layers`, for each typed
        bundle: `bundle`, `first` (the first node below 20 dB, None if none is) and `nodes`
        (`node`, `op`, `max_abs`, `relative`, `sqnr_db`, the worst first);
        `costs`, for each int8 bundle if asked for: what costs.json holds: `bundle`, `images`,
        `sqnr_db` of the outputs, and `nodes` (`node`, `op`, `sqnr_db`, `gain_db`), the one to keep
        in float first.

    Raises:
        UsageError: nothing to compare with; costs are asked for and nothing is int8, or there is
            no fp32 graph.
        FileError: a path is neither a bundle nor a recipe, or holds nothing to run.
    """
    chains, data, spec = _chains(paths, runs, overrides)
    reference = _fp32_graph(paths[0], runs)
    typed = [p for p in paths if p.is_dir() and reference and p / "model.onnx" != reference]
    priced = _priced(typed) if costs else []
    pictures, source = _pictures(data, images)
    rows = _rows(chains, pictures)
    return {
        "images": len(pictures),
        "source": source,
        "reference": chains[0][0].name,
        "rows": rows,
        "layers": [_layers(reference, path, pictures, spec) for path in typed if reference],
        "costs": [_costs(reference, path, pictures, spec) for path in priced if reference],
    }


def require_parity(report: dict[str, Any]) -> None:
    """Raise the first step of the chain that is further from the one before than it may be.

    Raises:
        GateFailed: the row's limit does not hold.
    """
    for row in report["rows"]:
        if not row["ok"]:
            role, gap = max(row["tensors"].items(), key=lambda item: _size(item[1]["relative"]))
            raise GateFailed(
                f"{row['side']} does not compute what {row['before']} does",
                tensor=role,
                relative_difference=gap["relative"],
                limit=row["limit"],
            )


def _size(relative: float | None) -> float:
    return math.inf if relative is None else relative


def _chains(
    paths: Sequence[Path], runs: Path, overrides: Sequence[str]
) -> tuple[list[list[Side]], Data | None, Input]:
    """The sides of each path; the first chain's first side is the reference."""
    first, *others = paths
    if first.is_dir():
        manifest = open_bundle(first).manifest
        data, spec = manifest.data, manifest.input
        chains = [sides_of_bundle(first)]
    else:
        file = find_recipe(first)
        recipe = load_recipe(file, overrides)
        data, spec = recipe.data, recipe.input
        chains = [sides_of_recipe(recipe, run_folder(runs, file))]
    chains += [sides_of_bundle(path) for path in others]
    if sum(map(len, chains)) < 2:
        raise UsageError(
            "there is only one side, and nothing to compare it with",
            side=chains[0][0].name,
            fix="name a bundle too: edgecv compare RECIPE BUNDLE",
        )
    kinds = {side.head.kind for chain in chains for side in chain}
    if len(kinds) > 1:
        raise UsageError("the bundles have different heads", heads=", ".join(sorted(kinds)))
    return chains, data, spec


def _rows(chains: list[list[Side]], pictures: Sequence[Array]) -> list[dict[str, Any]]:
    """Run every side on every picture, one picture at a time, and compare."""
    steps = list(_steps(chains))
    gaps: dict[int, dict[str, TensorGap]] = {id(side): {} for _, side in steps}
    agreements = {id(side): Agreement() for _, side in steps}
    sides = [side for chain in chains for side in chain]
    for image in track(pictures, "compare"):
        seen = {id(side): side(image) for side in sides}
        reference = seen[id(sides[0])]
        for before, side in steps:
            _count(gaps[id(side)], seen[id(side)], seen[id(before)])
            agreements[id(side)].add(seen[id(side)].results, reference.results)
    return [_row(before, side, gaps[id(side)], agreements[id(side)]) for before, side in steps]


def _steps(chains: list[list[Side]]) -> Iterator[tuple[Side, Side]]:
    """(before, side): along each chain; a later chain starts from the end of the first's."""
    trunk = chains[0]
    yield from pairwise(trunk)
    start = trunk[-1] if trunk[-1].name == "onnx" else trunk[0]
    for chain in chains[1:]:
        yield from zip([start, *chain], chain, strict=False)


def _count(gaps: dict[str, TensorGap], seen: Seen, before: Seen) -> None:
    for role, tensor in seen.raw.items():
        try:
            gaps.setdefault(role, TensorGap()).add(tensor, before.raw[role])
        except ShapeError:  # other input sizes: only the results can be compared
            gaps.pop(role, None)


def _row(
    before: Side, side: Side, gaps: dict[str, TensorGap], agreement: Agreement
) -> dict[str, Any]:
    worst = max((gap.relative for gap in gaps.values()), default=0.0)
    return {
        "side": side.name,
        "before": before.name,
        "tensors": {role: gap.to_dict() for role, gap in gaps.items()},
        "limit": side.limit,
        "ok": side.limit is None or worst <= side.limit,
        "agreement": agreement.to_dict(),
    }


def _pictures(data: Data | None, count: int) -> tuple[list[Array], str]:
    """Held-out pictures of the data set; photographs where it cannot be read."""
    if data is not None:
        from edgecv.data import open_dataset

        try:
            dataset = open_dataset(data, "val")
            total = min(count, len(dataset))
            return [dataset[index].image for index in range(total)], f"{data.format}, val"
        except EdgecvError as err:
            note(f"compared on photographs, since the recipe's data cannot be read: {err.what}")
    from edgecv.data.photographs import photographs

    return list(islice(photographs().values(), count)), "photographs"


def _fp32_graph(first: Path, runs: Path) -> Path | None:
    """The graph the typed ones were made from: the recipe's, or an fp32 bundle's."""
    if not first.is_dir():
        file = find_recipe(first)
        model = run_folder(runs, file).model
        return model if model.is_file() else None
    manifest = open_bundle(first, check_digests=False).manifest
    return first / "model.onnx" if manifest.precision.asked == "fp32" else None


def _layers(
    reference: Path, bundle: Path, pictures: Sequence[Array], spec: Input
) -> dict[str, Any]:
    from edgecv.compare.layers import first_divergence, layer_gaps

    manifest = open_bundle(bundle, check_digests=False).manifest
    batches = _inputs(manifest, pictures[:LAYER_IMAGES], spec)
    gaps = layer_gaps(reference, bundle / "model.onnx", batches)
    first = first_divergence(gaps, DIVERGES_DB)
    worst = sorted(gaps, key=lambda item: item.gap.sqnr_db)
    return {
        "bundle": str(bundle),
        "first": first.node if first else None,
        "nodes": [
            {
                "node": item.node,
                "op": item.op,
                "quantized": item.node in manifest.precision.quantized,
                **item.gap.to_dict(),
            }
            for item in worst
        ],
    }


def _inputs(manifest: Manifest, pictures: Sequence[Array], spec: Input) -> Iterator[Array]:
    """Network inputs, a picture each, repeated to the smallest batch the bundle takes."""
    preprocess = Preprocessor(spec)
    for image in pictures:
        yield preprocess.batch([image] * max(manifest.batch[0], 1))[0]


def _priced(typed: Sequence[Path]) -> list[Path]:
    """The int8 bundles among those compared.

    Raises:
        UsageError: there is none, or nothing to judge it by.
    """
    found = [p for p in typed if open_bundle(p, check_digests=False).manifest.precision.quantized]
    if not found:
        raise UsageError(
            "the cost of int8 is that of an int8 bundle against the fp32 graph it was made from",
            fix="edgecv compare RECIPE RUNS/RECIPE/int8-… --costs",
        )
    return found


def _costs(reference: Path, bundle: Path, pictures: Sequence[Array], spec: Input) -> dict[str, Any]:
    from edgecv.compare.costs import node_costs

    manifest = open_bundle(bundle, check_digests=False).manifest
    batches = _inputs(manifest, pictures, spec)
    found = node_costs(reference, bundle / "model.onnx", batches)
    written = {
        "bundle": str(bundle),
        "images": len(pictures),
        "sqnr_db": found.sqnr_db,
        "nodes": [cost._asdict() for cost in found.nodes],
    }
    write_json(bundle / "costs.json", written)
    return written
