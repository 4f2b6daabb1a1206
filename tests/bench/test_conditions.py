"""Facts of the machine, and honest nulls where it does not tell."""

import gc
from pathlib import Path

from edgecv.bench.conditions import core_count, cpu_model, load_average, temperature_c
from edgecv.bench.memory import PeakMemory


def test_temperature_is_the_hottest_zone(tmp_path):
    for zone, text in enumerate(("41500\n", "63000\n", "nonsense")):
        (tmp_path / f"thermal_zone{zone}").mkdir()
        (tmp_path / f"thermal_zone{zone}" / "temp").write_text(text)
    assert temperature_c(tmp_path) == 63.0
    assert temperature_c(tmp_path / "none") is None


def test_processor_and_load_are_told():
    assert cpu_model()
    assert core_count() >= 1
    assert load_average() >= 0


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
