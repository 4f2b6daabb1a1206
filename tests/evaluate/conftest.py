"""Pictures on which the tiny bundles of tests/conftest.py are right or wrong by construction."""

import json
import shutil

import cv2
import numpy as np
import pytest

from edgecv.bundle import Manifest, seal
from edgecv.files import read_json
from edgecv.recipe import Data

BGR = {"blue": (255, 0, 0), "green": (0, 255, 0), "red": (0, 0, 255)}


@pytest.fixture(scope="session")
def colours(tmp_path_factory):
    """Three class folders of ten plain pictures; one "red" is really green."""
    root = tmp_path_factory.mktemp("colours")
    for name, value in BGR.items():
        (root / name).mkdir()
        for i in range(10):
            shown = BGR["green"] if name == "red" and i == 0 else value
            cv2.imwrite(str(root / name / f"{i}.png"), np.full((20, 24, 3), shown, np.uint8))
    return root


@pytest.fixture(scope="session")
def squares(tmp_path_factory):
    """Ten black pictures with a red 16 x 16 square on a cell's centre; two lie in the JSON."""
    root = tmp_path_factory.mktemp("squares")
    images, annotations = [], []
    for i in range(10):
        x, y = 4 * (i % 5) + 10, 18  # centre of the square: (x + 8, y + 8), middle of a cell
        image = np.zeros((64, 64, 3), np.uint8)
        cv2.rectangle(image, (x + 6, y + 6), (x + 9, y + 9), (0, 0, 255), -1)  # one cell is red
        cv2.imwrite(str(root / f"{i}.png"), image)
        images.append({"id": i, "file_name": f"{i}.png", "width": 64, "height": 64})
        said = x + 30 if i in (2, 7) else x
        annotations.append({"id": i, "image_id": i, "category_id": 4, "bbox": [said, y, 16, 16]})
    categories = [{"id": 4, "name": "square"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def copied(tiny_bundle, tmp_path):
    """`copied(kind, name, **changes)`: a tiny bundle of its own with other manifest values."""

    def make(kind, name="fp32-onnxruntime", **changes):
        folder = tmp_path / name
        shutil.copytree(tiny_bundle(kind, batch=(1, 2, 4)), folder)
        manifest = Manifest.model_validate(read_json(folder / "manifest.json", "manifest"))
        seal(folder, manifest.model_copy(update=changes))
        return folder

    return make


@pytest.fixture
def colour_data(colours):
    """The colours as a data section whose val split holds half of them."""
    return Data(format="imagefolder", root=colours, val_share=0.5)
