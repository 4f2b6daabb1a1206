"""What a typed graph is made from has a digest that follows everything typing reads."""

from dataclasses import replace

import pytest

from edgecv.build import origin as module
from edgecv.build.inputs import read_source
from edgecv.build.origin import origin


@pytest.fixture
def source(make_run):
    made = make_run()
    section = made.recipe.build.model_copy(update={"precision": "int8"})
    return read_source(made.recipe.model_copy(update={"build": section}), made.run)


def told(source, **changes):
    section = source.recipe.build.model_copy(update=changes)
    return replace(source, recipe=source.recipe.model_copy(update={"build": section}))


def test_it_follows_what_typing_reads(source):
    first = origin(source)
    assert first == origin(source)
    assert first != origin(replace(source, model_digest="f" * 64))
    assert first != origin(told(source, precision="mixed"))
    assert first != origin(told(source, rest="fp16"))
    assert first != origin(told(source, keep=("head*",)))
    with source.run.ranges.open("a") as file:
        file.write(" ")
    assert first != origin(source)


def test_it_follows_edgecvs_own_code_and_onnx(source, monkeypatch):
    first = origin(source)
    monkeypatch.setattr(module, "_onnx", lambda: "0.1")
    assert first != origin(source)
    monkeypatch.undo()
    monkeypatch.setattr(module, "_CODE", ("build",))
    module._code.cache_clear()
    assert first != origin(source)
    module._code.cache_clear()


def test_a_backend_is_not_typed_for(source):
    assert origin(source) == origin(told(source, backend="openvino", targets=("sm75",)))
