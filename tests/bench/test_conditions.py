"""Facts of the machine, and honest nulls where it does not tell."""

from edgecv.bench.conditions import core_count, cpu_model, load_average, temperature_c


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
