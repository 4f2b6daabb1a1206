"""The sides of a comparison: each takes the same picture and gives raw tensors and results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgecv.bundle import Bundle, open_bundle
from edgecv.engines import load_engine, open_engine
from edgecv.errors import FileError, MissingPackage
from edgecv.head import Head
from edgecv.pipeline import RunFolder
from edgecv.recipe import Recipe
from edgecv.results import Results
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Preprocessor

Array = npt.NDArray[Any]
Forward = Callable[[Array], dict[str, Array]]
Model = tuple[Preprocessor, Head, int]


class Seen(NamedTuple):
    """What a side made of one picture.

    Attributes:
        raw: Role of the head -> (1, ...) float32 tensor.
        results: In pixels of the picture.
    """

    raw: dict[str, Array]
    results: Results


class Side:
    """One way to run the network, from picture to results.

    Attributes:
        name: As the report calls it.
        limit: Largest relative difference of raw tensors from the side before it that is expected
            of the same arithmetic; None where another precision is meant to differ.
    """

    def __init__(self, name: str, model: Model, forward: Forward, limit: float | None) -> None:
        """`model` is the preprocessor, the head and the smallest batch `forward` takes."""
        self.name, self.limit = name, limit
        self._preprocess, self.head, self._batch = model
        self._forward = forward

    def __call__(self, image: Array) -> Seen:
        """Run on an (H, W, 3) uint8 BGR picture."""
        batch, geometries = self._preprocess.batch([image])
        padded = np.zeros((max(self._batch, 1), *batch.shape[1:]), np.float32)
        padded[:1] = batch
        outputs = self._forward(padded)
        (results,) = decode(self.head, outputs, geometries)
        tensors = {role: outputs[self.head.tensor(role)][:1] for role in self.head.roles}
        return Seen({role: np.asarray(t, np.float32) for role, t in tensors.items()}, results)


def sides_of_recipe(recipe: Recipe, run: RunFolder) -> list[Side]:
    """Torch (where the recipe's weights and torch are here), then the exported graph.

    Raises:
        FileError: there is neither.
    """
    preprocess = Preprocessor(recipe.input, pixels=recipe.head.sees_pixels)
    model = (preprocess, recipe.head, recipe.export.batches[0])
    sides = []
    forward = _torch_forward(recipe, run.weights)
    if forward is not None:
        sides.append(Side("torch", model, forward, None))
    onnx_file = recipe.model.file if recipe.model and not run.model.is_file() else run.model
    if onnx_file.is_file():
        limit = recipe.export.parity if sides else None
        sides.append(Side("onnx", model, _graph_forward(onnx_file, "fp32"), limit))
    if not sides:
        raise FileError(
            "the recipe has neither weights nor an exported model here",
            run=run.path,
            fix="edgecv train RECIPE, then edgecv export RECIPE",
        )
    return sides


def sides_of_bundle(folder: Path) -> list[Side]:
    """The typed graph in ONNX Runtime, then the engine itself.

    Raises:
        FileError, EngineMismatch, MissingPackage, MachineError: the bundle does not load here.
    """
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    preprocess = Preprocessor(manifest.input, pixels=manifest.head.sees_pixels)
    model = (preprocess, manifest.head, manifest.batch[0])
    asked, rest = manifest.precision.asked, manifest.precision.rest
    graph = _graph_forward(_typed_graph(bundle), asked, rest)
    engine = open_engine(bundle)
    name = f"{folder.resolve().parent.name}/{folder.resolve().name}"
    execute = _executor(engine)
    return [
        Side(f"{name} graph", model, graph, None),
        Side(f"{name} engine", model, execute, manifest.tolerance),
    ]


def _typed_graph(bundle: Bundle) -> Path:
    if "model.onnx" not in bundle.manifest.files:
        raise FileError("the bundle holds no typed graph to compare with", bundle=bundle.folder)
    return bundle.path("model.onnx")


def _graph_forward(file: Path, precision: str, rest: str = "fp32") -> Forward:
    return _executor(load_engine("onnxruntime", file, precision=precision, rest=rest))


def _executor(engine: Any) -> Forward:
    (image,) = [tensor.name for tensor in engine.inputs]

    def forward(batch: Array) -> dict[str, Array]:
        outputs: dict[str, Array] = engine.execute({image: batch})
        return outputs

    return forward


def _torch_forward(recipe: Recipe, weights: Path) -> Forward | None:
    """The network in torch, fp32, evaluation mode; None without weights or without torch."""
    if recipe.arch is None or not weights.is_file():
        return None
    try:
        import torch

        from edgecv.zoo.weights import load_weights
        from edgecv.zoo.widths import network_of
    except (ImportError, MissingPackage):
        return None
    net = network_of(recipe.arch).eval()
    load_weights(net, weights)
    head = recipe.head

    def forward(batch: Array) -> dict[str, Array]:
        with torch.inference_mode():
            outputs = net(torch.from_numpy(batch))
        return {head.tensor(role): outputs[role].numpy() for role in head.roles}

    return forward
