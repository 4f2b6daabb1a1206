"""Heads with device code use it, others are decoded by the CPU; a bundle knows which kernels."""

import pytest

from edgecv.head import HEADS, ClassifyHead
from edgecv.head.schema import HeadSchema
from edgecv.ops.letterbox.cuda import SOURCE
from edgecv.runtime.device.decoders import RawDecoder, kernel_sources, make_decoder


class Odd(HeadSchema):
    """A head nobody wrote device code for."""

    roles = ("first",)
    kind: str = "odd"


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_every_kernel_a_head_needs_is_a_file(kind):
    sources = kernel_sources(HEADS[kind]())
    assert sources[0] == SOURCE
    assert all(source.is_file() and source.suffix == ".cu" for source in sources)


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_a_head_without_device_code_gets_the_outputs_it_reads(session):
    outputs = {name: session.zeros((1, 3), "float32") for name in ("first", "second")}
    decoder = make_decoder(session, Odd(), outputs, batch=1)
    assert isinstance(decoder, RawDecoder)
    assert set(decoder.results) == {"first"}
    decoder.enqueue(session.stream())
    decoder.close()
    for array in outputs.values():
        array.free()


@pytest.mark.parametrize("session", ["forward"], indirect=True)
def test_raw_outputs_are_decoded_by_the_cpu_twin(session, rng):
    logits = rng.standard_normal((1, 7)).astype("float16")
    outputs = {"logits": session.upload(logits)}
    decoder = RawDecoder(session, ClassifyHead(topk=2), outputs, batch=1)
    from edgecv.recipe import Input
    from edgecv.runtime.preprocess import Preprocessor

    geometry = Preprocessor(Input(size=(8, 8))).geometry((8, 8))
    (found,) = decoder.collect({"logits": logits}, [geometry])
    assert found.ids.tolist() == logits[0].argsort()[::-1][:2].tolist()
    outputs["logits"].free()
