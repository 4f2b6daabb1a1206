"""Maps that might be joints or classes: `init` asks for the name of the head, and says of which."""

import onnx
from onnx import TensorProto, helper


def test_heads_that_have_to_be_named_are_proposed(world):
    node = helper.make_node(
        "AveragePool", ["images"], ["maps"], kernel_shape=[4, 4], strides=[4, 4]
    )
    graph = helper.make_graph(
        [node],
        "maps",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 32, 32))],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, (1, 3, 8, 8))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, world.folder / "maps.onnx")
    outcome = world.run("init", "maps.onnx", "--yes")
    assert (outcome.code, outcome.left) == (2, []), outcome.text
    assert "--head heatmap or --head integral or --head segment" in outcome.text
    assert world.run("init", "maps.onnx", "--yes", "--head", "segment").code == 0
