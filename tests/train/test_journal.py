import json

import pytest

from edgecv.errors import IoFailed
from edgecv.train.journal import Journal


def steps(path):
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_resuming_drops_what_is_past_the_checkpoint_and_half_written(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 2}\n{"step": 4}\n{"step": 6}\n{"st')
    with Journal(path, 4) as journal:
        journal.write({"step": 6})
    assert steps(path) == [2, 4, 6]


def test_starting_anew_empties_the_log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 2}\n')
    with Journal(path, 0):
        pass
    assert path.read_text() == ""


def test_each_record_is_on_disk_at_once(tmp_path):
    with Journal(tmp_path / "log.jsonl", 0) as journal:
        journal.write({"step": 1})
        assert steps(tmp_path / "log.jsonl") == [1]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(IoFailed, match="cannot write"):
        Journal(tmp_path / "file" / "log.jsonl", 0)
