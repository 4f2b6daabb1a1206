"""Every package is of an extra that pyproject has, and a missing one names its fix."""

import re
from importlib.metadata import PackageNotFoundError

import pytest

from edgecv.doctor import packages as module
from edgecv.doctor.packages import PACKAGES, installed_packages


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_package_is_in_its_extra_of_pyproject(root, package):
    text = (root / "pyproject.toml").read_text()
    section = package.extra or "dependencies"
    block = re.search(rf"^{section} = \[(.*?)\]\n", text, re.M | re.S)
    assert f'"{package.name.lower()}>' in block.group(1).lower()


def test_missing_package_names_what_fails_and_the_fix(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    rows = {row["name"]: row for row in installed_packages()}
    assert rows["openvino"]["fix"] == "pip install 'edgecv[cpu]'"
    assert rows["numpy"]["fix"] == "pip install numpy"
    assert not any(row["version"] for row in rows.values())


def test_package_of_another_origin_counts_as_present(monkeypatch):
    """JetPack's cv2 and tensorrt have no pip metadata."""

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    rows = {row["name"]: row["version"] for row in installed_packages()}
    assert rows["opencv-python-headless"] == "present"
