"""The room's door: a head's kind finds its code, a role finds its tensor."""

from importlib.util import find_spec

import numpy as np
import pytest

from edgecv.errors import FileError, ShapeError
from edgecv.head import HEADS, CenterNetHead, ClassifyHead, TwoStageHead
from edgecv.ops.letterbox import Fit
from edgecv.runtime import heads
from edgecv.runtime.heads import decode, role, tensor_of
from edgecv.runtime.preprocess import Geometry

PLACE = Geometry((8, 8), Fit(0, 0, 8, 8))


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_has_its_code(kind):
    assert find_spec(f"edgecv.runtime.heads.{kind}")


def test_a_padded_batch_gives_a_result_a_picture():
    outputs = {"logits": np.float32([[0, 9], [9, 0], [5, 5]])}
    told = decode(ClassifyHead(names=("a", "b"), topk=1), outputs, [PLACE, PLACE])
    assert [one.best for one in told] == ["b", "a"]


class Code:
    """Stands for a head's module."""

    def decode(self, *arguments, **options):
        return arguments, options


@pytest.mark.parametrize(
    ("head", "options"),
    [
        pytest.param(CenterNetHead(), {}, id="without-parts"),
        pytest.param(TwoStageHead(), {"parts": {"box": "engine"}}, id="with-parts"),
    ],
)
def test_only_heads_with_parts_are_given_them(monkeypatch, head, options):
    asked = []
    monkeypatch.setattr(heads, "import_module", lambda name: asked.append(name) or Code())
    given = decode(head, {"x": 1}, [PLACE], {"box": "engine"})
    assert given == ((head, {"x": 1}, [PLACE]), options)
    assert asked == [f"edgecv.runtime.heads.{head.kind}"]


def test_a_role_is_found_under_the_files_name_and_made_float32():
    head = CenterNetHead(outputs={"size": "wh"})
    half = np.ones((2, 2, 4, 4), np.float16)
    found = role(head, {"wh": half}, "size", (2, None, None))
    assert (found.dtype, found.tolist()) == (np.float32, half.tolist())
    same = half.astype(np.float32)
    assert role(head, {"wh": same}, "size", (2, None, None)) is same
    assert tensor_of(head, {"wh": half}, "size", (2, 4, None)) is half


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        pytest.param((2, 3, 4), (3, 5), id="another-size"),
        pytest.param((2, 3, 4), (3,), id="too-many-sides"),
        pytest.param((2, 3), (3, None), id="too-few"),
        pytest.param((), (), id="no-batch"),
    ],
)
def test_another_shape_is_refused(shape, wanted):
    with pytest.raises(ShapeError, match=r"head centernet: size must be \(N"):
        tensor_of(CenterNetHead(), {"size": np.zeros(shape)}, "size", wanted)


def test_a_missing_output_names_those_there_are_and_the_line_to_write():
    outputs = {"b": np.zeros(1), "a": np.zeros(1)}
    says = r"(?s)no output 'wh'.*as its size.*outputs: a, b.*fix: .*head\.outputs\.size"
    with pytest.raises(FileError, match=says):
        role(CenterNetHead(outputs={"size": "wh"}), outputs, "size", (2,))
