"""What every engine that runs here must do, whatever the backend."""

import threading

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from edgecv import engines
from edgecv.bundle import Layer
from edgecv.engines.contract import take_model
from edgecv.errors import FileError, ShapeError, UnsupportedModel
from edgecv.recipe import Build

CPU = ("openvino", "onnxruntime")


@pytest.fixture(params=CPU)
def backend(request):
    return request.param


def test_execute_gives_what_the_graph_says(backend, save_net, rng):
    import onnxruntime

    path, images = save_net(), rng.standard_normal((1, 3, 16, 16)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    want = session.run(["logits"], {"images": images})[0]
    engine = engines.load_engine(backend, path, precision="fp32")
    got = engine.execute({"images": images})
    assert [(t.name, t.shape, t.dtype) for t in engine.inputs] == [
        ("images", (1, 3, 16, 16), "float32")
    ]
    assert list(got) == ["logits"]
    np.testing.assert_allclose(got["logits"], want, atol=2e-5)


def test_outputs_survive_later_calls(backend, save_net, rng):
    engine = engines.load_engine(backend, save_net(), precision="fp32")
    first, second = rng.standard_normal((2, 1, 3, 16, 16)).astype(np.float32)
    kept = engine.execute({"images": first})["logits"]
    copy = kept.copy()
    other = engine.execute({"images": second})["logits"]
    assert not np.array_equal(copy, other)
    np.testing.assert_array_equal(kept, copy)


def test_inputs_that_are_not_contiguous_or_read_only_work(backend, save_net, rng):
    engine = engines.load_engine(backend, save_net(), precision="fp32")
    images = rng.standard_normal((1, 16, 16, 3)).astype(np.float32).transpose(0, 3, 1, 2)
    plain = np.ascontiguousarray(images)
    want = engine.execute({"images": plain})["logits"]
    plain.flags.writeable = False
    np.testing.assert_array_equal(engine.execute({"images": images})["logits"], want)
    np.testing.assert_array_equal(engine.execute({"images": plain})["logits"], want)


def test_a_dynamic_batch_takes_each_size(backend, save_net, rng):
    engine = engines.load_engine(backend, save_net(batch="n"), precision="fp32")
    images = rng.standard_normal((5, 3, 16, 16)).astype(np.float32)
    whole = engine.execute({"images": images})["logits"]
    alone = [engine.execute({"images": image[None]})["logits"][0] for image in images]
    assert engine.inputs[0].shape == (-1, 3, 16, 16)
    np.testing.assert_allclose(whole, alone, atol=1e-5)


def test_threads_get_their_own_results(backend, save_net, rng):
    engine = engines.load_engine(backend, save_net(), precision="fp32", streams=2)
    images = rng.standard_normal((4, 1, 3, 16, 16)).astype(np.float32)
    want = [engine.execute({"images": image})["logits"] for image in images]
    wrong = []

    def work(index):
        for _ in range(20):
            got = engine.execute({"images": images[index]})["logits"]
            if not np.array_equal(got, want[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({}, "input 'images' is missing"),
        ({"images": np.zeros((1, 3, 8, 8), np.float32)}, r"must be \(1, 3, 16, 16\) float32"),
        ({"images": np.zeros((1, 3, 16, 16))}, r"float64"),
        (
            {"images": np.zeros((1, 3, 16, 16), np.float32), "mask": np.zeros(1)},
            "no input 'mask'",
        ),
    ],
    ids=["missing", "shape", "dtype", "unknown"],
)
def test_wrong_inputs_are_named(backend, save_net, arrays, match):
    engine = engines.load_engine(backend, save_net(), precision="fp32")
    with pytest.raises(ShapeError, match=match):
        engine.execute(arrays)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "not found"),
        (b"", "is empty"),
        (b"\x00" * 64, "not a readable ONNX model"),
        (b"half", "not a readable ONNX model"),
        (b"%PDF-1.4 and so on", "not a readable ONNX model"),
    ],
    ids=["missing", "empty", "zeros", "truncated", "another"],
)
def test_broken_engine_files_are_refused(backend, save_net, tmp_path, content, match):
    path = tmp_path / "broken.onnx"
    if content is not None:
        whole = save_net().read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    with pytest.raises(FileError, match=match):
        engines.load_engine(backend, path, precision="fp32")


def test_an_unknown_operator_is_an_unsupported_model(backend, tmp_path):
    node = helper.make_node("Frobnicate", ["x"], ["y"], name="odd", domain="")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "odd",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    path = tmp_path / "odd.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    with pytest.raises((UnsupportedModel, FileError), match="Frobnicate"):
        engines.load_engine(backend, path, precision="fp32")


def test_build_leaves_an_engine_that_loads(backend, save_net, tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    built = engines.build_engine(backend, save_net(), folder, Build(precision="fp32"))
    engine = engines.load_engine(backend, folder / built.engine, precision="fp32")
    assert built.version[0].isdigit()
    assert engines.count_precisions(built.layers) == engines.count_precisions(engine.layers())
    assert engines.count_precisions(built.layers)["fp32"] >= 4


def test_layers_that_only_move_data_are_not_counted():
    layers = (
        Layer(name="a", type="Convolution", precision="int8"),
        Layer(name="b", type="Reorder", precision="fp32"),
        Layer(name="c", type="FullyConnected", precision="fp32"),
        Layer(name="d", type="Convolution", precision="int8"),
    )
    assert engines.count_precisions(layers) == {"int8": 2, "fp32": 1}


def test_a_model_is_copied_unless_it_lies_there(tmp_path):
    model, target = tmp_path / "typed.onnx", tmp_path / "model.onnx"
    with pytest.raises(FileError, match="ONNX file not found"):
        take_model(model, target)
    model.write_bytes(b"")
    with pytest.raises(FileError, match="ONNX file is empty"):
        take_model(model, target)
    model.write_bytes(b"graph")
    target.write_bytes(b"an older one")
    take_model(model, target)
    assert target.read_bytes() == b"graph"
    take_model(target, target)
    assert target.read_bytes() == b"graph"
