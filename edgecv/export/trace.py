"""torch's dynamo exporter, kept quiet and held to the opset asked for.

Asked for opset 17 it warns and may write 18; so 17 is exported as 18 and lowered by rules.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import onnx

from edgecv.errors import MissingPackage, UnsupportedModel
from edgecv.graph.batch import BATCH
from edgecv.graph.lower import lower_opset
from edgecv.graph.read import opset as opset_of
from edgecv.graph.reason import reason

INPUT = "images"
_OLDEST = 18  # what the dynamo exporter has implementations for


class Trace(NamedTuple):
    """What to export a network as.

    Attributes:
        names: Role (key of the network's output) -> name of the graph's output.
        shape: (C, H, W) of the input.
        batches: (min, opt, max).
        opset: 17 or newer.
    """

    names: dict[str, str]
    shape: tuple[int, int, int]
    batches: tuple[int, int, int]
    opset: int


def trace(network: Any, asked: Trace) -> onnx.ModelProto:
    """Export `network` (in evaluation mode) as one fp32 graph without a trace of this machine.

    Raises:
        UnsupportedModel: torch cannot export it, or not in the opset asked for.
        MissingPackage: onnxscript is not installed.
    """
    import torch

    low, _, high = asked.batches
    dynamic = None if low == high else ({0: torch.export.Dim(BATCH, min=low, max=high)},)
    # torch specialises a dimension whose example is 1
    example = torch.zeros(high if dynamic is None else max(2, low), *asked.shape)
    try:
        with _quiet():
            program = torch.onnx.export(
                _by_role(network, tuple(asked.names)),
                (example,),
                dynamo=True,
                external_data=False,
                verbose=False,
                opset_version=max(asked.opset, _OLDEST),
                input_names=[INPUT],
                output_names=list(asked.names.values()),
                dynamic_shapes=dynamic,
            )
    except ImportError as err:
        raise MissingPackage("onnxscript", "export", needed_for="exporting a network") from err
    except Exception as err:  # torch raises its own types, and any that tracing meets
        raise UnsupportedModel(
            "torch cannot export the network", reason=reason(_cause(err)), opset=asked.opset
        ) from err
    if program is None:
        raise UnsupportedModel("torch exported no graph", opset=asked.opset)
    return _finished(program.model_proto, asked.opset)


def _finished(model: onnx.ModelProto, asked: int) -> onnx.ModelProto:
    if asked < _OLDEST:
        lower_opset(model, asked)
    if opset_of(model) != asked:
        raise UnsupportedModel(
            "torch wrote another opset than was asked for",
            asked=asked,
            got=opset_of(model),
            fix=f"set export.opset to {opset_of(model)}",
        )
    _strip_notes(model)
    return model


def _strip_notes(model: onnx.ModelProto) -> None:
    """Drop the stack traces torch writes into every node: they name this machine's files."""
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, model.graph):
        part.doc_string = ""
        del part.metadata_props[:]
    del model.graph.value_info[:]  # inferred again once the graph is simplified
    del model.metadata_props[:]
    model.producer_name, model.producer_version, model.doc_string = "edgecv", "", ""
    model.graph.name = "network"


def _by_role(network: Any, roles: tuple[str, ...]) -> Any:
    import torch

    class ByRole(torch.nn.Module):
        """The network with a tuple of outputs, in the order of the roles."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            raw = self.network(images)
            return tuple(raw[role] for role in roles)

    return ByRole().eval()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Stdout belongs to results, and torch's exporter logs what does not concern a user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _cause(err: BaseException) -> BaseException:
    """The first one: torch wraps it in pages of advice."""
    while err.__cause__ is not None:
        err = err.__cause__
    return err
