"""Where typing is weak, every float layer states fp16 and nothing else does."""

from types import SimpleNamespace

import pytest

from edgecv.engines.trt_weak import constrain_layers
from tests.engines.fake_tensorrt import FakeTensorRT


def test_float_layers_are_stated_and_shape_arithmetic_is_left_alone():
    trt = FakeTensorRT("8.5.2.2")
    network = trt._network()
    assert constrain_layers(trt, network) == 2
    stated = {layer.get_output(0).name: layer._have.get("precision") for layer in trt.layers}
    assert stated == {
        "hidden": trt.DataType.HALF,
        "shape": None,
        "logits": trt.DataType.HALF,
    }


def network(trt, kind, dtypes, outputs=("logits",)):
    """One layer that writes a tensor of each dtype: `logits`, then `inner`; and what it is told."""
    told = []
    made = [
        SimpleNamespace(name=name, dtype=getattr(trt.DataType, dtype))
        for name, dtype in zip(("logits", "inner"), dtypes, strict=False)
    ]
    layer = SimpleNamespace(
        type=getattr(trt.LayerType, kind),
        num_outputs=len(made),
        get_output=lambda at: made[at],
        set_output_type=lambda at, dtype: told.append((at, dtype)),
        precision=None,
    )
    return (
        SimpleNamespace(
            num_outputs=len(outputs),
            get_output=lambda index: SimpleNamespace(name=outputs[index]),
            num_layers=1,
            get_layer=lambda index: layer,
        ),
        layer,
        told,
    )


def test_what_the_network_gives_stays_fp32_and_what_goes_on_becomes_fp16():
    trt = FakeTensorRT("8.6.2.3")
    net, layer, told = network(trt, "CONVOLUTION", ("FLOAT", "FLOAT"))
    assert constrain_layers(trt, net) == 1
    assert layer.precision is trt.DataType.HALF
    assert told == [(1, trt.DataType.HALF)]


@pytest.mark.parametrize(
    ("kind", "dtypes"),
    [
        ("ACTIVATION", ("INT32",)),
        ("ACTIVATION", ("FLOAT", "INT32")),
        ("CONSTANT", ("FLOAT",)),
    ],
    ids=["integers", "some-integers", "no-arithmetic"],
)
def test_a_layer_that_does_not_compute_on_floats_alone_is_not_touched(kind, dtypes):
    trt = FakeTensorRT("8.6.2.3")
    net, layer, told = network(trt, kind, dtypes)
    assert constrain_layers(trt, net) == 0
    assert (layer.precision, told) == (None, [])
