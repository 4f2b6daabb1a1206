"""Processor and memory, as /proc tells them."""

from edgecv.doctor.machine import cpu_features, memory, this_machine


def test_features_of_x86_and_arm(tmp_path):
    (tmp_path / "x86").write_text("processor : 0\nflags\t\t: fpu avx2 avx512_vnni amx_int8\n")
    (tmp_path / "arm").write_text("processor : 0\nFeatures\t: fp asimd asimddp i8mm\n")
    assert cpu_features(tmp_path / "x86") == ["AVX2", "AVX-512 VNNI", "AMX int8"]
    assert cpu_features(tmp_path / "arm") == ["NEON", "NEON dot product", "NEON i8mm"]


def test_memory_is_in_mib(tmp_path):
    (tmp_path / "m").write_text("MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n")
    assert memory(tmp_path / "m") == {"total": 2, "available": 1}


def test_other_systems_tell_nothing_and_break_nothing(tmp_path):
    assert cpu_features(tmp_path / "none") == []
    assert memory(tmp_path / "none") == {}


def test_this_machine_has_a_name():
    assert this_machine()["cpu"]
