import pickle
import resource

import pytest
import torch
from torch import nn

from edgecv.errors import FileError, IoFailed
from edgecv.train.checkpoint import Training, read_checkpoint, save_checkpoint


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_hostile_checkpoint_is_not_run(tmp_path):
    torch.save({"format": 1, "x": Hostile(tmp_path / "ran")}, tmp_path / "checkpoint.pt")
    with pytest.raises(FileError, match="the checkpoint cannot be read"):
        read_checkpoint(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04rubbish", id="truncated"),
        pytest.param(pickle.dumps({"format": 1}, protocol=2)[:-3], id="cut-pickle"),
    ],
)
def test_a_broken_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(FileError, match=r"cannot be read(.|\n)*fix: .*--force"):
        read_checkpoint(tmp_path / "checkpoint.pt")


def test_another_files_content_is_refused(tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "checkpoint.pt")
    with pytest.raises(FileError, match="not a checkpoint of this edgecv"):
        read_checkpoint(tmp_path / "checkpoint.pt")


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path):
    path, network = tmp_path / "checkpoint.pt", nn.Linear(300, 300)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    save_checkpoint(path, Training(network, optimizer, None, {}, step=1), "digest")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(IoFailed, match="the one before it is kept") as caught:
            save_checkpoint(path, Training(network, optimizer, None, {}, step=2), "digest")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_code == 5
    assert read_checkpoint(path)["step"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
