"""Write a graph in an older opset, so that an older TensorRT can parse it.

onnx's own converter gives up on graphs with reductions. The operators that changed between opset
17 and 25 in more than the types they take are few; each has its rewrite here, and one that has
none is refused by name rather than relabelled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, defs, helper, numpy_helper

from edgecv.errors import UnsupportedModel
from edgecv.graph.constants import drop_unread
from edgecv.graph.topology import Topology

OLDEST = 17
_IR_VERSION = 8  # the file format of opset 17's time
_ONNX = ("", "ai.onnx")

# Changed after opset 17 only in the types they take, or in attributes whose default is the old
# behaviour and that _NEW_ATTRIBUTES checks.
_SAME = frozenset(
    "Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization "
    "BitShift Cast CastLike Ceil Clip Compress Concat Constant ConstantOfShape Conv ConvTranspose "
    "Cos Cosh CumSum DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand "
    "EyeLike Flatten Floor GRU Gather GatherElements GatherND Gemm GlobalAveragePool "
    "GlobalMaxPool GlobalLpPool Greater GreaterOrEqual HardSigmoid HardSwish Hardmax Identity If "
    "InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log "
    "LogSoftmax Loop LpNormalization LpPool MatMul Max MaxPool MaxUnpool Mean "
    "MeanVarianceNormalization Min Mod Mul Neg NonMaxSuppression NonZero Not OneHot Or PRelu Pow "
    "QuantizeLinear RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Reciprocal "
    "Relu Reshape ReverseSequence RoiAlign Round ScatterElements ScatterND Selu Shape Shrink "
    "Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Sqrt Squeeze Sub Sum "
    "Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor".split()
)
_NEW_ATTRIBUTES: dict[
    str, dict[str, tuple[object, ...]]
] = {  # attribute -> values that mean what opset 17 does
    "AveragePool": {"dilations": ([1], [1, 1], [1, 1, 1])},
    "Cast": {"saturate": (1,), "round_mode": (b"up",)},
    "CastLike": {"saturate": (1,), "round_mode": (b"up",)},
    "DequantizeLinear": {"block_size": (0,), "output_dtype": (0, 1)},
    "QuantizeLinear": {
        "block_size": (0,),
        "output_dtype": (0, 3),
        "saturate": (1,),
        "precision": (0, 1),
    },
    "LpPool": {"dilations": ([1], [1, 1], [1, 1, 1]), "ceil_mode": (0,)},
    "Resize": {"antialias": (0,), "axes": (), "keep_aspect_ratio_policy": (b"stretch",)},
    "ScatterElements": {"reduction": (b"none", b"add", b"mul")},
    "ScatterND": {"reduction": (b"none", b"add", b"mul")},
}


def lower_opset(model: ModelProto, opset: int = OLDEST) -> None:
    """Rewrite `model` in place for `opset`.

    Args:
        model: A model of the default domain, newer than `opset`, with stored constants.
        opset: 17 or newer.

    Raises:
        UnsupportedModel: a node says something `opset` cannot; `model` is then half rewritten.
    """
    current = max(o.version for o in model.opset_import if o.domain in _ONNX)
    topology = Topology(model)
    for node, name in zip(model.graph.node, topology.names, strict=True):
        if node.domain in _ONNX and _changed(node.op_type, opset, current):
            _lower(model, node, name, opset)
    for entry in model.opset_import:
        if entry.domain in _ONNX:
            entry.version = opset
    model.ir_version = min(model.ir_version, _IR_VERSION)
    drop_unread(model)


def _changed(op: str, opset: int, current: int) -> bool:
    try:
        return bool(
            defs.get_schema(op, opset).since_version != defs.get_schema(op, current).since_version
        )
    except defs.SchemaError:
        return True  # the operator is newer than `opset`


def _lower(model: ModelProto, node: NodeProto, name: str, opset: int) -> None:
    rewrite = _REWRITES.get(node.op_type)
    if rewrite is None and node.op_type not in _SAME:
        raise _refused(node, name, opset, "its meaning changed")
    _drop_new_attributes(node, name, opset)
    if rewrite is not None:
        problem = rewrite(model, node)
        if problem:
            raise _refused(node, name, opset, problem)


def _refused(node: NodeProto, name: str, opset: int, why: str) -> UnsupportedModel:
    return UnsupportedModel(
        "a node has no form in the older opset",
        node=name,
        operator=node.op_type,
        opset=opset,
        reason=why,
    )


def _drop_new_attributes(node: NodeProto, name: str, opset: int) -> None:
    harmless = _NEW_ATTRIBUTES.get(node.op_type, {})
    known = defs.get_schema(node.op_type, opset).attributes if node.op_type in _SAME else None
    for attribute in list(node.attribute):
        if attribute.name not in harmless:
            if known is not None and attribute.name not in known:
                raise _refused(node, name, opset, f"attribute {attribute.name}")
            continue
        value = helper.get_attribute_value(attribute)
        if value not in harmless[attribute.name]:
            raise _refused(node, name, opset, f"{attribute.name} = {value}")
        if known is None or attribute.name not in known:
            node.attribute.remove(attribute)


def _axes_to_attribute(model: ModelProto, node: NodeProto) -> str:
    """Reductions take their axes as an attribute until opset 17."""
    if len(node.input) > 1 and node.input[1]:
        axes = Topology(model).constant(node.input[1])
        if axes is None:
            return "its axes are computed"
        if axes.size:
            node.attribute.append(helper.make_attribute("axes", [int(a) for a in axes.ravel()]))
    noop = next((a for a in node.attribute if a.name == "noop_with_empty_axes"), None)
    if noop is not None:
        has_axes = any(a.name == "axes" for a in node.attribute)
        if noop.i and not has_axes:
            return "noop_with_empty_axes"
        node.attribute.remove(noop)
    del node.input[1:]
    return ""


def _pad(model: ModelProto, node: NodeProto) -> str:
    """Pad took no axes until opset 17: spell the pads of every dimension out."""
    mode = next((a.s for a in node.attribute if a.name == "mode"), b"constant")
    if mode == b"wrap":
        return "mode = wrap"
    if len(node.input) > 3 and node.input[3]:
        return "it names axes"
    del node.input[3:]
    return ""


def _split(model: ModelProto, node: NodeProto) -> str:
    """Split in equal parts needs no attribute if the parts are equal."""
    counts = [a for a in node.attribute if a.name == "num_outputs"]
    for attribute in counts:
        node.attribute.remove(attribute)
    if counts and not (len(node.input) > 1 and node.input[1]):
        return _spell_split(model, node)
    return ""


def _spell_split(model: ModelProto, node: NodeProto) -> str:
    shapes = onnx.shape_inference.infer_shapes(model).graph
    values = {v.name: v for v in (*shapes.value_info, *shapes.input, *shapes.output)}
    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
    if node.input[0] not in values:
        return "the split size is unknown"
    dims = values[node.input[0]].type.tensor_type.shape.dim
    size, parts = dims[axis].dim_value, len(node.output)
    if not size:
        return "the split size is unknown"
    step = -(-size // parts)
    sizes = np.array([step] * (parts - 1) + [size - step * (parts - 1)], np.int64)
    name = f"{node.output[0]}/split"
    model.graph.initializer.append(numpy_helper.from_array(sizes, name))
    del node.input[1:]
    node.input.append(name)
    return ""


def _grid_sample(model: ModelProto, node: NodeProto) -> str:
    """`linear` and `cubic` were called bilinear and bicubic."""
    for attribute in node.attribute:
        if attribute.name == "mode":
            attribute.s = {b"linear": b"bilinear", b"cubic": b"bicubic"}.get(
                attribute.s, attribute.s
            )
    return ""


def _resize(model: ModelProto, node: NodeProto) -> str:
    """The new attributes are refused or dropped; half_pixel_symmetric came with them."""
    modes = [a.s for a in node.attribute if a.name == "coordinate_transformation_mode"]
    return "half_pixel_symmetric" if modes == [b"half_pixel_symmetric"] else ""


_REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod SumSquare"
_REWRITES: dict[str, Callable[[ModelProto, NodeProto], str]] = {
    **{f"Reduce{kind}": _axes_to_attribute for kind in _REDUCTIONS.split()},
    "Pad": _pad,
    "Split": _split,
    "GridSample": _grid_sample,
    "Resize": _resize,
}
