"""Where typing is weak, every float layer states fp16 and nothing else does."""

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
