import numpy as np
import onnx
import pytest

from edgecv.build.qdq import activation_scale, insert_qdq, quantize_weight
from edgecv.graph.placement import place
from edgecv.graph.topology import Topology


def test_activation_scale_by_hand():
    assert activation_scale(127.0) == 1
    assert activation_scale(0.0) == 1, "TensorRT refuses a scale of 0"
    assert activation_scale(1e-45) > 0
    assert activation_scale(1e-9, "float16") == np.float16(2.0**-20)
    assert np.isfinite(activation_scale(3e38, "float16"))
    assert activation_scale(2.54).dtype == np.float32


def test_weight_by_hand():
    weight = np.array([[1.0, -0.5, 0.25], [0, 0, 0], [-254, 127, 1]], np.float32)
    levels, scales = quantize_weight(weight, 0)
    np.testing.assert_allclose(scales, [1 / 127, 1, 2])
    assert levels.tolist() == [[127, -64, 32], [0, 0, 0], [-127, 64, 0]], "half to even"
    assert levels.dtype == np.int8


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("axis", [0, 1])
def test_weight_error_is_half_a_step(rng, dtype, axis):
    weight = rng.normal(0, 0.02, (6, 5, 3, 3)).astype(np.float32)
    levels, scales = quantize_weight(weight, axis, dtype)
    shape = [1] * 4
    shape[axis] = -1
    step = scales.astype(np.float64).reshape(shape)
    assert scales.shape == (weight.shape[axis],)
    error = np.abs(levels * step - weight) / step
    assert error[np.abs(levels) < 127].max() <= 0.5 + 1e-6
    assert error.max() <= 0.5 + 127 * 2**-11, "a float16 scale may round down by 2^-11"


def test_minus_128_is_never_used(rng):
    levels, _ = quantize_weight(rng.normal(size=(64, 64)).astype(np.float32), 0, "float16")
    assert levels.min() == -127


def test_tensor_read_twice_is_quantised_once(residual, measured, image):
    placement = place(residual)
    ranges = measured(residual, placement.tensors, image)
    insert_qdq(residual, placement, {n: r.amax for n, r in ranges.tensors.items()})
    made = [n.input[0] for n in residual.graph.node if n.op_type == "QuantizeLinear"]
    assert sorted(made) == sorted(set(placement.tensors))
    onnx.checker.check_model(residual, full_check=True)


def test_weight_of_a_kept_node_stays_float(residual, measured, image):
    """Two convolutions share a weight; one of them is kept."""
    residual.graph.node[6].input[1] = "w2"
    placement = place(residual, ["n_c3"])
    ranges = measured(residual, placement.tensors, image)
    insert_qdq(residual, placement, {n: r.amax for n, r in ranges.tensors.items()})
    stored = Topology(residual).initializers
    assert {"w2", "w2/int8"} <= set(stored)
    assert "w1" not in stored
