import pickle
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from edgecv.errors import FileError, IoFailed
from edgecv.zoo.registry import class_keys, create
from edgecv.zoo.weights import load_weights, read_metadata, start_from, write_weights


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net()


@pytest.fixture
def source():
    torch.manual_seed(1)
    module = Net()
    module.bn.running_mean.fill_(3.0)
    return module


def same(a, b):
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


WRAPPINGS = {
    "plain": lambda s: s,
    "state_dict": lambda s: {"state_dict": s, "epoch": 3},
    "model": lambda s: {"model": s, "optimizer": {"lr": 0.1}},
    "module": lambda s: {f"module.{k}": v for k, v in s.items()},
    "state_dict+module": lambda s: {"state_dict": {f"module.{k}": v for k, v in s.items()}},
    "compiled": lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_pytorch_files_load_however_they_are_wrapped(tmp_path, net, source, wrapping, legacy):
    path = tmp_path / "w.pth"
    content = WRAPPINGS[wrapping](source.state_dict())
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    load_weights(net, path)
    assert same(net, source)


def test_safetensors_round_trip_keeps_metadata(tmp_path, net, source):
    path = write_weights(tmp_path / "w.safetensors", source.state_dict(), {"step": "7"})
    assert load_weights(net, path) == {"step": "7"}
    assert read_metadata(path) == {"step": "7"}
    assert same(net, source)


def test_the_same_weights_are_the_same_bytes(tmp_path, source):
    metadata = {name: name for name in "abcdefgh"}
    files = [
        write_weights(tmp_path / f"{i}.safetensors", source.state_dict(), metadata)
        for i in range(4)
    ]
    assert len({file.read_bytes() for file in files}) == 1
    assert read_metadata(files[0]) == metadata


def test_content_decides_not_the_suffix(tmp_path, net, source):
    save_file(source.state_dict(), tmp_path / "w.pth")
    load_weights(net, tmp_path / "w.pth")
    assert same(net, source)


def test_missing_num_batches_tracked_is_accepted(tmp_path, net, source):
    state = source.state_dict()
    del state["bn.num_batches_tracked"]
    torch.save(state, tmp_path / "w.pt")
    load_weights(net, tmp_path / "w.pt")
    assert same(net, source)


def test_older_keys_are_renamed(tmp_path, net, source):
    old = {re.sub(r"^bn\.", "norm.1.", key): v for key, v in source.state_dict().items()}
    torch.save(old, tmp_path / "w.pt")
    net.older_keys = ((r"^norm\.1\.", "bn."),)
    load_weights(net, tmp_path / "w.pt")
    assert same(net, source)


def test_half_precision_file_loads_as_float(tmp_path, net, source):
    torch.save(
        {k: v.half() if v.is_floating_point() else v for k, v in source.state_dict().items()},
        tmp_path / "w.pt",
    )
    load_weights(net, tmp_path / "w.pt")
    assert net.conv.weight.dtype == torch.float32
    torch.testing.assert_close(net.conv.weight, source.conv.weight, rtol=1e-3, atol=1e-3)


def without(state, key):
    return {k: v for k, v in state.items() if k != key}


BROKEN = {
    "missing key": (
        lambda s: without(s, "conv.bias"),
        r"keys differ\n.*\n  missing: conv.bias",
    ),
    "misspelt key": (
        lambda s: without(s, "conv.bias") | {"conv.biass": s["conv.bias"]},
        r"unexpected: conv.biass\n  nearest to conv.biass: conv.bias",
    ),
    "wrong shape": (
        lambda s: s | {"conv.bias": torch.zeros(5)},
        r"conv.bias is \(5,\), the network has \(4,\)",
    ),
    "transposed": (
        lambda s: s | {"conv.weight": s["conv.weight"].transpose(0, 1).contiguous()},
        r"conv.weight is \(3, 4, .*the network has \(4, 3,",
    ),
    "quantised": (
        lambda s: s | {"conv.bias": torch.zeros(4, dtype=torch.int8)},
        r"conv.bias is \(4,\) int8, the network has \(4,\)",
    ),
    "optimizer state": (lambda s: s | {"lr": 0.1}, "holds more than tensors"),
    "a list": (lambda s: list(s.values()), "holds no state_dict"),
    "nothing": (lambda s: {}, "holds no state_dict"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_weights_that_do_not_fit_change_nothing(tmp_path, net, source, case):
    change, message = BROKEN[case]
    before = {k: v.clone() for k, v in net.state_dict().items()}
    torch.save(change(source.state_dict()), tmp_path / "w.pt")
    with pytest.raises(FileError, match=message):
        load_weights(net, tmp_path / "w.pt")
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in before.items())


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_pickle_that_wants_code_is_not_run(tmp_path, net, legacy):
    path, trace = tmp_path / "w.pth", tmp_path / "ran"
    torch.save({"a": Hostile(trace)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(FileError, match=r"asks for more than tensors; it was not run"):
        load_weights(net, path)
    assert not trace.exists()


@pytest.mark.filterwarnings("error")
def test_a_bare_pickle_is_not_run(tmp_path, net):
    path, trace = tmp_path / "w.pkl", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Hostile(trace)))
    with pytest.raises(FileError, match="it was not run"):
        load_weights(net, path)
    assert not trace.exists()


def test_what_a_pickle_asks_for_is_named_and_running_it_is_not_advised(tmp_path, net):
    for content, asked in (({"a": Hostile(tmp_path)}, r"\w+\.open"), (net, r"\w+\.Net")):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(FileError, match=rf"reason: it names [\w.]*{asked}\n  fix:") as caught:
            load_weights(net, tmp_path / "w.pth")
        assert "weights_only" not in str(caught.value)


def test_another_number_of_classes_names_the_edit(tmp_path, net, source):
    state = source.state_dict()
    wide = {k: torch.zeros(9, *v.shape[1:]) for k, v in state.items() if k.startswith("conv.")}
    torch.save(state | wide, tmp_path / "w.pt")
    with pytest.raises(FileError, match=r"shapes differ[\s\S]*--set arch\.args\.classes=9"):
        load_weights(net, tmp_path / "w.pt")
    torch.save(state | {"conv.weight": torch.zeros(4, 3, 5, 5)}, tmp_path / "w.pt")
    with pytest.raises(FileError, match=r"shapes differ[\s\S]*fix: give the file of this arch"):
        load_weights(net, tmp_path / "w.pt")


def test_a_page_saved_as_weights_and_a_folder_are_called_so(tmp_path, net):
    (tmp_path / "w.pth").write_text("<html>not found</html>")
    with pytest.raises(FileError, match="neither safetensors nor a PyTorch file"):
        load_weights(net, tmp_path / "w.pth")
    with pytest.raises(FileError, match="are a folder"):
        load_weights(net, tmp_path)


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_truncated_file_is_refused(tmp_path, net, source, suffix, share):
    path = tmp_path / f"w.{suffix}"
    if suffix == "pt":
        torch.save(source.state_dict(), path)
    else:
        write_weights(path, source.state_dict(), {})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FileError, match=r"truncated|not a whole safetensors file"):
        load_weights(net, path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff" * 64, id="huge-header"),
        pytest.param(b"\x02\0\0\0\0\0\0\0{}", id="no-tensors"),
        pytest.param(b"PK\x03\x04" + bytes(60), id="broken-zip"),
        pytest.param(b"\x80\x02.", id="empty-pickle"),
        pytest.param(b"<html>not found</html>", id="html"),
    ],
)
def test_garbage_is_refused(tmp_path, net, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"weight|safetensors"):
        load_weights(net, path)


def test_missing_and_empty_files_are_named(tmp_path, net):
    with pytest.raises(FileError, match="weight file not found"):
        load_weights(net, tmp_path / "none.pt")
    (tmp_path / "empty.pt").touch()
    with pytest.raises(FileError, match="weight file is empty"):
        load_weights(net, tmp_path / "empty.pt")


def test_a_failed_write_leaves_nothing(tmp_path, source):
    (tmp_path / "folder").touch()
    with pytest.raises(IoFailed, match="cannot write"):
        write_weights(tmp_path / "folder" / "w.safetensors", source.state_dict(), {})
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_fine_tuning_starts_from_everything_but_other_classes(tmp_path):
    torch.manual_seed(2)
    learned, net = create("resnet_tiny", classes=10), create("resnet_tiny", classes=3)
    path = write_weights(tmp_path / "w.safetensors", learned.state_dict(), {})
    head = net.fc.weight.clone()
    keys = class_keys("resnet_tiny", {"classes": 3})
    assert start_from(net, path, keys) == ["fc.bias", "fc.weight"]
    assert torch.equal(net.conv1.weight, learned.conv1.weight)
    assert torch.equal(net.fc.weight, head)


def test_fine_tuning_on_as_many_classes_takes_all(tmp_path, net, source):
    path = write_weights(tmp_path / "w.safetensors", source.state_dict(), {})
    assert start_from(net, path, {"conv.bias"}) == []
    assert same(net, source)


def test_fine_tuning_takes_no_other_network(tmp_path):
    wide = create("resnext_tiny", classes=10)
    path = write_weights(tmp_path / "w.safetensors", wide.state_dict(), {})
    with pytest.raises(FileError, match="keys differ"):
        start_from(create("resnet_tiny", classes=3), path, {"fc.weight", "fc.bias"})


@pytest.mark.parametrize(("saved", "wanted"), [(False, "false"), (True, "true")])
def test_files_that_differ_in_auxiliary_heads_name_the_argument(tmp_path, saved, wanted):
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in create("googlenet", aux=saved).state_dict().items()}
        net = create("googlenet", aux=not saved)
    path = tmp_path / "w.pt"
    torch.save({key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}, path)
    with pytest.raises(FileError, match=rf"fix: only auxiliary heads .* arch.args.aux={wanted}"):
        load_weights(net, path)
