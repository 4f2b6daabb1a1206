"""`edgecv compress`: Deep Compression, with a file that decodes to the weights that were measured.

Source: Han et al., arXiv:1510.00149. Small weights are cut off and the rest retrained, weights of a
layer share a few values, and the file is Huffman-coded. Differs from the paper: the shared values
are not retrained, and the same share is cut off every layer.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgecv.errors import UsageError
from edgecv.files import write_json
from edgecv.pipeline import RunFolder
from edgecv.progress import note
from edgecv.recipe import Backend, Recipe
from edgecv.slim.before import load_start, require_free, retrain, retraining, write_start
from edgecv.slim.codec import read_compact, write_compact
from edgecv.slim.measure import describe, measure, same_backend
from edgecv.slim.sharing import cut_small, share_weights
from edgecv.zoo.weights import read_metadata, read_weights, write_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

COMPACT = "weights.compact"


class Compression(NamedTuple):
    """What to do.

    Attributes:
        share: Of every layer's weights that are cut off.
        conv_bits: A convolution's weights share 2^bits values.
        dense_bits: A dense layer's likewise.
        steps: Of retraining; 0: half of the recipe's.
        backend: Which engine measures.
        measured: Whether accuracy and latency are measured.
    """

    share: float = 0.7
    conv_bits: int = 8
    dense_bits: int = 5
    steps: int = 0
    backend: Backend = "auto"
    measured: bool = True


def compress(recipe: Recipe, run: RunFolder, options: Compression, out: Path) -> dict[str, Any]:
    """Compress a trained network and measure what the compact file decodes to.

    Args:
        recipe: Of the trained network.
        run: Its run folder.
        options: What to do.
        out: The recipe to write; its run folder gets `weights.compact`.

    Returns:
        `recipe`, `run`, `file`, `sizes` (bytes: dense, sparse, shared, coded), `ratio`, and `rows`
        (before, after), also written as slim.json.

    Raises:
        UsageError: a share outside 0..1, or bits outside 1..8.
        EdgecvError: as `load_start` and the stages; what was complete is kept.
    """
    _check(options)
    require_free(run, out, options.backend)
    start = load_start(recipe, run)
    before = describe(run.run_id, start.network, start.example)
    network = _cut(start.network, options.share)
    slim = write_start(start, network, out, retraining(start, options.steps, keep_zeros=True))
    file = slim.run.path / COMPACT
    # the weights may be what that file decodes to, with other bits
    retrain(slim._replace(again=slim.again and not file.exists()))
    state, metadata = read_weights(slim.run.weights)[0], read_metadata(slim.run.weights)
    shared = {key: _shared(value, options) for key, value in state.items()}
    sizes = write_compact(file, {key: value.numpy() for key, value in shared.items()}, metadata)
    decode_into(file, slim.run.weights)
    note(f"slim  {file}: {sizes.dense / sizes.coded:.1f} times smaller than float32")
    after = describe(slim.run.run_id, load_start(slim.recipe, slim.run).network, start.example)
    after["file_bytes"] = sizes.coded
    if options.measured:
        before |= measure(recipe, run, options.backend)
        after |= measure(slim.recipe, slim.run, same_backend(before["bundle"]))
    record = {
        "recipe": str(out),
        "run": str(slim.run.path),
        "file": str(file),
        "sizes": sizes._asdict(),
        "ratio": sizes.dense / sizes.coded,
        "rows": [before, after],
    }
    write_json(slim.run.path / "slim.json", record)
    return record


def decode_into(file: Path, weights: Path) -> Path:
    """Write the weights a compact file holds as safetensors; return that path.

    Raises:
        FileError: as `read_compact`.
        IoFailed: it cannot be written.
    """
    import torch

    state, metadata = read_compact(file)
    return write_weights(weights, {k: torch.from_numpy(v) for k, v in state.items()}, metadata)


def _check(options: Compression) -> None:
    if not 0 <= options.share < 1:
        raise UsageError(
            "the share of weights to cut is at least 0 and below 1",
            got=options.share,
            fix="--share 0.7",
        )
    for bits in (options.conv_bits, options.dense_bits):
        if not 1 <= bits <= 8:
            raise UsageError("weights share 2 to 256 values: bits are 1..8", got=bits)


def _cut(network: nn.Module, share: float) -> nn.Module:
    import torch

    network = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.copy_(torch.from_numpy(cut_small(parameter.numpy(), share)))
    return network


def _shared(value: Tensor, options: Compression) -> Tensor:
    """The tensor with the values of its weights shared; others as they are."""
    import torch

    if value.ndim < 2 or not value.is_floating_point():
        return value
    flat = value.numpy().reshape(-1).copy()
    full = flat != 0
    bits = options.conv_bits if value.ndim > 2 else options.dense_bits
    if full.any():
        centroids, which = share_weights(flat[full], 1 << bits)
        flat[full] = centroids[which]
    return torch.from_numpy(flat.reshape(value.shape))
