"""A part takes any number of rows, in batches its engine takes."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgecv.bundle import Tensor
from edgecv.errors import FileError, UnsupportedModel
from edgecv.runtime.parts import Part, load_parts
from tests.runtime.fake_engine import FakeEngine


def part_of(batch, answer=lambda rows: {"out": rows.sum(axis=1, keepdims=True)}):
    engine = FakeEngine(answer, (-1, 3))
    return Part("box", engine, batch), engine


@pytest.mark.parametrize(
    ("batch", "rows", "batches"),
    [
        pytest.param((1, 4, 8), 5, [5], id="fits"),
        pytest.param((1, 4, 4), 10, [4, 4, 2], id="slices"),
        pytest.param((4, 4, 4), 6, [4, 4], id="padded"),
        pytest.param((2, 4, 4), 0, [2], id="none"),
    ],
)
def test_rows_come_back_in_order(batch, rows, batches):
    part, engine = part_of(batch)
    given = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    outputs = part(given)
    assert outputs["out"][:, 0].tolist() == given.sum(1).tolist()
    assert outputs["out"].shape == (rows, 1)
    assert engine.batches == batches


def test_outputs_by_name_and_the_only_one():
    part, _ = part_of((1, 4, 4))
    assert part.output({"x": np.zeros(2)}, "logits").dtype == np.float32
    with pytest.raises(FileError, match="no output 'logits'"):
        part.output({"x": np.zeros(2), "y": np.zeros(2)}, "logits")


def test_refuses_two_inputs():
    engine = FakeEngine(None, (-1, 3))
    engine.inputs *= 2
    assert isinstance(engine.inputs[0], Tensor)
    with pytest.raises(UnsupportedModel, match="one input"):
        Part("box", engine, (1, 1, 1))


def test_engines_are_closed_if_a_later_one_does_not_open(monkeypatch):
    opened = [FakeEngine(None, (-1, 3))]

    def open_engine(bundle, threads):
        if len(opened) == 2:
            raise UnsupportedModel("no")
        opened.append(None)
        return opened[0]

    monkeypatch.setattr("edgecv.runtime.parts.open_engine", open_engine)
    part = SimpleNamespace(manifest=SimpleNamespace(batch=(1, 1, 1)))
    bundle = SimpleNamespace(parts={"box": part, "mask": part})
    with pytest.raises(UnsupportedModel, match="no"):
        load_parts(bundle, ("box", "mask"))
    assert opened[0].closed
