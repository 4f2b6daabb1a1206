"""L4T releases and the JetPack they belong to."""

import pytest

from edgecv.doctor.jetson import jetson_facts, l4t_version

LINE = "# R{}, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan 8 01:49:37 UTC 2025"
RELEASES = [
    pytest.param("36 (release), REVISION: 4.3", "36.4.3", "6.1/6.2", "10.3", id="jetpack-6.2"),
    pytest.param("36 (release), REVISION: 3.0", "36.3.0", "6.0", "8.6", id="jetpack-6.0"),
    pytest.param("35 (release), REVISION: 4.1", "35.4.1", "5.1.x", "8.5", id="jetpack-5"),
    pytest.param("99 (release), REVISION: 0.1", "99.0.1", "unknown", "unknown", id="future"),
]


@pytest.mark.parametrize(("text", "l4t", "jetpack", "tensorrt"), RELEASES)
def test_release_names_its_jetpack(tmp_path, text, l4t, jetpack, tensorrt):
    release = tmp_path / "nv_tegra_release"
    release.write_text(LINE.format(text))
    found = jetson_facts(release)
    assert (found["l4t"], found["jetpack"], found["tensorrt"]) == (l4t, jetpack, tensorrt)
    assert found["power_mode"]


def test_other_machines_are_no_jetson(tmp_path):
    assert jetson_facts(tmp_path / "none") == {}
    (tmp_path / "x").write_text("gibberish")
    assert l4t_version(tmp_path / "x") == ""
