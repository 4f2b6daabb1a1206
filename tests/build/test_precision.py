import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecv.build.precision import source_form, type_model
from edgecv.errors import StaleError, UnknownName, UnsupportedModel, UsageError
from edgecv.graph.placement import place
from edgecv.graph.topology import Topology

QUANTIZED = ("n_c1", "n_c2", "n_c3", "n_c4", "n_scores", "n_logits")
FORMS = [
    pytest.param("fp32", "fp32", 120.0, id="fp32"),
    pytest.param("tf32", "fp32", 120.0, id="tf32"),
    pytest.param("fp16", "fp32", 50.0, id="fp16"),
    pytest.param("int8", "fp32", 25.0, id="int8"),
    pytest.param("int8", "fp16", 25.0, id="int8-fp16"),
]


def sqnr_db(reference: np.ndarray, other: np.ndarray) -> float:
    noise = np.mean((reference.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(np.mean(reference.astype(np.float64) ** 2) / max(noise, 1e-30)))


@pytest.fixture
def ranges(residual, image, measured):
    return measured(residual, place(residual).tensors, image)


@pytest.mark.parametrize(("precision", "rest", "least_db"), FORMS)
def test_every_form_runs_close_to_fp32(residual, image, ranges, run, precision, rest, least_db):
    typed = type_model(residual, precision, ranges=ranges, rest=rest)
    (reference,), (output,) = run(residual, image), run(typed.model, image)
    assert output.dtype == np.float32
    assert sqnr_db(reference, output) >= least_db


@pytest.mark.parametrize(("precision", "rest", "least_db"), FORMS)
def test_io_and_input_model_are_untouched(residual, ranges, precision, rest, least_db):
    before = residual.SerializeToString()
    typed = type_model(residual, precision, ranges=ranges, rest=rest)
    assert residual.SerializeToString() == before
    for ours, theirs in ((typed.model.graph.input, residual.graph.input),
                         (typed.model.graph.output, residual.graph.output)):  # fmt: skip
        assert [v.SerializeToString() for v in ours] == [v.SerializeToString() for v in theirs]
    names = [node.name for node in typed.model.graph.node]
    assert len(names) == len(set(names))
    assert all(names)


def test_int8_follows_the_rules_that_tensorrt_fuses(residual, ranges):
    typed = type_model(residual, "int8", ranges=ranges)
    graph = Topology(typed.model)
    assert typed.quantized == QUANTIZED
    assert list(typed.kept) == ["n_up"]
    assert "ConvTranspose" in typed.kept["n_up"]
    quantizes = [n for n in graph.graph.node if n.op_type == "QuantizeLinear"]
    assert [q.input[0] for q in quantizes] == ["images", "p1", "r2", "r3", "flat", "scores"]
    for node in graph.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            scale, zero = graph.constant(node.input[1]), graph.constant(node.input[2])
            assert (scale > 0).all()
            assert not zero.any()
            assert zero.dtype == np.int8
    for name in QUANTIZED:
        node = graph.graph.node[graph.names.index(name)]
        assert all(graph.producer(i).op_type == "DequantizeLinear" for i in node.input[:2])
        assert all(graph.producer(i) is None for i in node.input[2:]), "bias stays float"
    addition = graph.graph.node[graph.names.index("n_sum")]
    assert list(addition.input) == ["p1/dq", "c3"], "the skip shares the quantised tensor"


def test_weights_are_stored_in_int8_only(residual, ranges):
    typed = type_model(residual, "int8", ranges=ranges)
    stored = {t.name: t for t in typed.model.graph.initializer}
    assert "w2" not in stored
    assert stored["w2/int8"].data_type == TensorProto.INT8
    assert stored["wt"].data_type == TensorProto.FLOAT, "ConvTranspose keeps its weight"
    axes = {n.input[0]: n.attribute[0].i for n in typed.model.graph.node
            if n.op_type == "DequantizeLinear" and n.attribute}  # fmt: skip
    assert axes["fc/int8"] == 0, "Gemm with transB: rows are channels"
    assert axes["mm/axis1/int8"] == 1, "MatMul: columns are channels"


def test_dead_channel_has_a_positive_scale(residual, ranges):
    stored = Topology(type_model(residual, "int8", ranges=ranges).model)
    assert stored.constant("w2/scale")[3] == 1.0
    assert not stored.constant("w2/int8")[3].any()


def test_batchnorm_is_folded(residual, ranges):
    for precision in ("fp32", "int8"):
        nodes = type_model(residual, precision, ranges=ranges).model.graph.node
        assert "BatchNormalization" not in {node.op_type for node in nodes}


def test_mixed_keeps_what_it_is_told(residual, ranges):
    typed = type_model(residual, "mixed", ranges=ranges, keep=["n_c1", "n_log*"])
    assert typed.quantized == ("n_c2", "n_c3", "n_c4", "n_scores")
    assert typed.kept["n_c1"] == typed.kept["n_logits"] == "kept by request"


def test_int8_fp16_states_float16_scales_at_opset_19_or_more(residual, ranges):
    residual.opset_import[0].version = 17
    typed = type_model(residual, "int8", ranges=ranges, rest="fp16").model
    assert typed.opset_import[0].version == 19
    scales = [t for t in typed.graph.initializer if t.name.startswith("p1/scale")]
    assert [t.data_type for t in scales] == [TensorProto.FLOAT16]


@pytest.mark.parametrize("quantized", [True, False], ids=["int8", "float"])
def test_source_form_is_opset_17_in_fp32(residual, image, ranges, run, quantized):
    source = source_form(residual, ranges if quantized else None)
    assert source.opset_import[0].version == 17
    assert source.ir_version <= 8
    assert TensorProto.FLOAT16 not in {t.data_type for t in source.graph.initializer}
    same = type_model(residual, "int8" if quantized else "fp32", ranges=ranges).model
    np.testing.assert_allclose(run(source, image)[0], run(same, image)[0], rtol=1e-5, atol=1e-6)


def test_source_form_names_the_node_it_cannot_write(residual):
    node = helper.make_node("Gelu", ["logits"], ["gelu"], name="n_gelu")
    residual.graph.node.append(node)
    residual.graph.output[0].name = "gelu"
    with pytest.raises(UnsupportedModel, match=r"(?s)older opset.*n_gelu.*Gelu"):
        source_form(residual)


REFUSED = [
    pytest.param("int4", {}, UnknownName, "unknown precision 'int4'", id="precision"),
    pytest.param("int8", {"ranges": None}, UsageError, "needs a calibration table", id="no-table"),
    pytest.param("int8", {"rest": "bf16"}, UnknownName, "unknown rest precision", id="rest"),
    pytest.param("mixed", {}, UsageError, "mixed needs the nodes", id="mixed-without-keep"),
    pytest.param("mixed", {"keep": ["c9"]}, UnknownName, "unknown node to keep 'c9'", id="keep"),
]


@pytest.mark.parametrize(("precision", "arguments", "error", "text"), REFUSED)
def test_refuses(residual, ranges, precision, arguments, error, text):
    with pytest.raises(error, match=text):
        type_model(residual, precision, **{"ranges": ranges, **arguments})


def test_refuses_a_table_of_another_model(residual, ranges):
    other = ranges.model_copy(update={"tensors": {"images": ranges.tensors["images"]}})
    with pytest.raises(StaleError, match=r"(?s)lacks tensors.*missing: 5.*first: p1"):
        type_model(residual, "int8", ranges=other)


def test_constant_nodes_are_stored(residual, image, run):
    reference = run(residual, image)[0]
    fc = next(t for t in residual.graph.initializer if t.name == "fc")
    value = numpy_helper.from_array(numpy_helper.to_array(fc))
    residual.graph.initializer.remove(fc)
    residual.graph.node.insert(0, helper.make_node("Constant", [], ["fc"], value=value))
    typed = type_model(residual, "fp16").model
    assert "Constant" not in {node.op_type for node in typed.graph.node}
    assert sqnr_db(reference, run(typed, image)[0]) > 50
    onnx.checker.check_model(typed, full_check=True)


def test_activations_beyond_float16_are_said(residual, ranges):
    huge = {**ranges.tensors, "r2": ranges.tensors["r2"].model_copy(update={"high": 7e4})}
    table = ranges.model_copy(update={"tensors": huge})
    (warning,) = type_model(residual, "int8", ranges=table, rest="fp16").warnings
    assert warning == "fp16: r2 reached 7e+04 in calibration; float16 ends at 65504"
    assert type_model(residual, "int8", ranges=table).warnings == ()
