"""Layer tables of builders and inspectors are read as they are written."""

import pytest

from edgecv.engines.trt_layers import layers_from_inspector, layers_from_log

TABLE = (
    "Layers:\n"
    "Name: q_myl0_0, LayerType: kgen, Inputs: [ { Name: images, Dimensions: [1,3,8,8], "
    "Strides: [192,64,8,1], StrideOrder: [3,2,1,0], Datatype: Float, Format: (Linear) x }], "
    "Outputs: [ { Name: a, Dimensions: [1,4,8,8], Datatype: Int8, Format: (NHWC) y }], "
    "TacticName: t0, StreamId: 0, Metadata: [ONNX Layer: images_Q]\x1f[ONNX Layer: conv/0[a]]\n"
    "Name: conv0_myl0_1, LayerType: correlation, Inputs: [ { Name: a, Datatype: Int8 }], "
    "Constants: [ { Name: w, Datatype: Float }], Outputs: [ { Name: b, Datatype: Half }], "
    "TacticName: t1, StreamId: 0, Metadata: [ONNX Layer: conv0]\n"
    "Name: only, LayerType: kgen, Outputs: [ { Name: b, Datatype: Half }], TacticName: t\n"
)


def test_the_builders_table_gives_type_first_input_and_nodes():
    layers = layers_from_log(["something", "Total: 3 Layers: none", TABLE])
    assert [(x.type, x.precision, x.name) for x in layers] == [
        ("kgen", "fp32", "images_Q,conv/0[a]"),
        ("correlation", "int8", "conv0"),
        ("kgen", "fp16", "only"),
    ]


def test_a_log_without_a_table_gives_nothing():
    assert layers_from_log(["After vertical fusions: 1 layers", "Layers:\n"]) == ()


@pytest.mark.parametrize(
    ("tensor", "precision"),
    [
        ('"Format/Datatype": "Row major linear FP32"', "fp32"),
        ('"Format/Datatype": "Channel major FP16 format where channel % 8 == 0"', "fp16"),
        ('"Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format"', "int8"),
        ('"Format": "Linear", "Datatype": "Half"', "fp16"),
        ('"Format": "Linear", "Datatype": "BFloat16"', "bf16"),
        ('"Format": "Linear"', "unknown"),
    ],
)
def test_the_inspectors_json_is_read_in_both_schemas(tensor, precision):
    text = '{"Layers": [{"Name": "n", "LayerType": "conv", "Inputs": [{"Name": "x", %s}]}]}'
    (layer,) = layers_from_inspector(text % tensor)
    assert (layer.name, layer.type, layer.precision) == ("n", "conv", precision)


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}"])
def test_an_inspector_that_tells_nothing_gives_nothing(text):
    assert layers_from_inspector(text) == ()


def test_names_only_leave_the_precision_unknown():
    (layer,) = layers_from_inspector('{"Layers": ["conv0 + relu0"]}')
    assert (layer.name, layer.precision) == ("conv0 + relu0", "unknown")
