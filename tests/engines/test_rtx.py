"""Real TensorRT-RTX builds, on a machine without a GPU."""

import onnx
import pytest
from onnx import TensorProto, helper

from edgecv import engines
from edgecv.cuda import driver
from edgecv.errors import FileError, MachineError, UnknownName, UnsupportedModel, UsageError
from edgecv.recipe import Build

pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
ONE = ("sm86",)


def build(path, folder, batch=(1, 1, 1), **options):
    folder.mkdir(exist_ok=True)
    options.setdefault("targets", ONE)
    options.setdefault("precision", "fp32")
    return engines.build_engine("tensorrt-rtx", path, folder, Build(**options), batch)


@pytest.mark.parametrize("kind", ["fp32", "fp16", "int8"])
def test_every_convolution_runs_in_what_was_asked(save_net, tmp_path, kind):
    built = build(save_net(kind), tmp_path / "b", precision=kind)
    assert (tmp_path / "b" / built.engine).stat().st_size > 10_000
    heavy = [layer for layer in built.layers if layer.type in ("correlation", "gemm")]
    assert {layer.precision for layer in heavy} == {kind}
    assert len(heavy) >= 3
    assert [name for layer in heavy for name in layer.name.split(",") if name == "c0_Conv"]
    assert built.targets == ONE


def test_several_targets_make_one_larger_engine(save_net, tmp_path):
    one = build(save_net(), tmp_path / "one")
    all_three = build(save_net(), tmp_path / "three", targets=("sm86", "sm89", "sm120"))
    assert all_three.targets == ("sm86", "sm89", "sm120")
    sizes = [(tmp_path / name / one.engine).stat().st_size for name in ("one", "three")]
    assert sizes[1] >= sizes[0]


def test_a_dynamic_batch_gets_a_profile(save_net, tmp_path):
    built = build(save_net(batch="n"), tmp_path / "b", batch=(1, 4, 8))
    assert len(built.layers) >= 4


@pytest.mark.parametrize("target", ["sm87", "sm75x", "orin"])
def test_an_unknown_target_names_the_known_ones(save_net, tmp_path, target):
    with pytest.raises(UnknownName, match="sm8"):
        build(save_net(), tmp_path / "b", targets=(target,))


def test_options_rtx_lacks_are_refused(save_net, tmp_path):
    with pytest.raises(UsageError, match="no DLA"):
        build(save_net(), tmp_path / "b", dla_core=0)
    with pytest.raises(UsageError, match="needs a target"):
        build(save_net(), tmp_path / "b", targets=())


def _one_node(path, kind, inputs, outputs, **attributes):
    value = helper.make_tensor_value_info
    made = [value(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    out = [value(name, kind_, shape) for name, (kind_, shape) in outputs.items()]
    node = helper.make_node(kind, list(inputs), list(outputs), name="the_node", **attributes)
    graph = helper.make_graph([node], "one", made, out)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def test_a_node_the_parser_refuses_is_named(tmp_path):
    shape = [1, 3, 8, 8]
    path = _one_node(
        tmp_path / "pool.onnx",
        "MaxPool",
        {"x": shape},
        {"y": (TensorProto.FLOAT, [1, 3, 4, 4])},
        kernel_shape=[2, 2],
        dilations=[2, 2],
        strides=[1, 1],
        pads=[0, 0, 0, 0],
    )
    with pytest.raises(UnsupportedModel, match=r"MaxPool|the_node|dilat") as caught:
        build(path, tmp_path / "b")
    assert "edgecv check" in str(caught.value)
    assert not list((tmp_path / "b").glob("*.rtx"))


def test_a_broken_file_is_refused(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises((FileError, UnsupportedModel), match=r"parse|readable"):
        build(path, tmp_path / "b")


def test_executing_without_a_gpu_says_so(save_net, tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "load_driver", lambda: None)
    built = build(save_net(), tmp_path / "b")
    with pytest.raises(MachineError, match="needs an NVIDIA GPU") as caught:
        engines.load_engine("tensorrt-rtx", tmp_path / "b" / built.engine, precision="fp32")
    assert caught.value.exit_code == 3


def test_the_build_works_from_any_folder(save_net, tmp_path, monkeypatch):
    path = save_net()
    monkeypatch.chdir(tmp_path)
    assert build(path, tmp_path / "b").version
