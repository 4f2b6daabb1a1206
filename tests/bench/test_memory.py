"""Peak memory: since bench began where the system can tell, else of the process's whole life."""

import gc
from pathlib import Path

from edgecv.bench.memory import PeakMemory


def test_peak_memory_sees_what_was_held():
    gc.collect()  # what earlier tests left would be freed in between
    memory = PeakMemory()
    before = memory.mib()
    held = bytearray(256 << 20)
    held[::4096] = b"x" * len(held[::4096])
    del held
    assert memory.mib() >= before + 200


def test_peak_memory_without_proc_is_that_of_the_process(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    memory = PeakMemory()
    assert memory.scope == "since the process began"
    assert memory.mib() > 10


def test_an_earlier_peak_is_forgotten():
    held = bytearray(200 << 20)
    held[::4096] = b"x" * len(held[::4096])
    before = PeakMemory()
    assert before.scope == "since bench began"
    peak = before.mib()
    del held
    gc.collect()
    assert PeakMemory().mib() <= peak - 150
