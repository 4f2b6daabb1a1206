import pickle

import pytest
import torch

from edgecv.errors import FileError
from edgecv.train.checkpoint import read_checkpoint


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
