"""A pose head through the whole device path: frame, letterbox, engine, joints, picture pixels."""

import shutil

import numpy as np
import pytest

from edgecv.bundle import open_bundle, seal
from edgecv.head import HeatmapHead, IntegralHead
from edgecv.runtime import load
from tests.gpu_machine import same

OWN = {"skeleton": "own", "names": ("red",), "score": 0.0}  # the tiny CenterNet's one heatmap


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HeatmapHead(**OWN), id="heatmap"),
        pytest.param(IntegralHead(**OWN), id="integral"),
    ],
)
def test_joints_of_a_frame_equal_the_cpus(plan_bundle, tiny_bundle, machine, tmp_path, head):
    plain = shutil.copytree(tiny_bundle("centernet"), tmp_path / "cpu")
    planned = plan_bundle("centernet")
    for folder in (plain, planned):
        manifest = open_bundle(folder).manifest
        seal(folder, manifest.model_copy(update={"head": head, "task": "pose"}))
    image = np.full((96, 120, 3), 100, np.uint8)
    image[40:60, 70:90] = 0, 0, 255  # red
    with load(plain) as model:
        wanted = model(image)
    here = machine()
    with load(planned) as model:
        found = model(image)
    here.cuda.finish()
    same(found, wanted)
    x, y, score = found.joints[0, 0]
    assert 70 < x < 90
    assert 40 < y < 60
    assert score > 0
