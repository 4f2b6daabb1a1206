"""`edgecv run` on a bundle for the GPU: the same rows and pictures, no code of its own."""

import cv2
import pytest

from edgecv.run import run


def test_a_picture_is_run_on_the_device(machine, plan_bundle, tiny_bundle, photo, tmp_path):
    here = machine()
    file = tmp_path / "square.png"
    cv2.imwrite(str(file), photo)
    rows = {"gpu": [], "cpu": []}
    done = run(plan_bundle("centernet"), str(file), save=tmp_path / "out", each=rows["gpu"].append)
    run(tiny_bundle("centernet"), str(file), each=rows["cpu"].append)
    assert done["frames"] == 1
    ((mine,), (other,)) = (row["result"]["boxes"] for (row,) in rows.values())
    assert mine["xyxy"] == other["xyxy"]
    assert mine["score"] == pytest.approx(other["score"], abs=1e-4)
    assert set(rows["gpu"][0]["ms"]) == {"pre", "engine", "post"}
    here.cuda.finish()
