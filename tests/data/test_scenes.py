import hashlib
import subprocess
import sys

import numpy as np
import pytest

from edgecv.data import open_dataset
from edgecv.data.pasting import INK
from edgecv.data.scenes import SceneOptions, Scenes
from edgecv.errors import RecipeError
from edgecv.recipe import Data


def scenes(split="val", count=40, seed=0, **options):
    return Scenes(split, count, seed, SceneOptions(**options))


def test_same_bytes_in_another_process():
    code = (
        "from edgecv.data.scenes import *; import hashlib;"
        "s = Scenes('val', 40, 0, SceneOptions())[5];"
        "print(hashlib.sha256(s.image.tobytes() + s.boxes.tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    sample = scenes()[5]
    here = hashlib.sha256(sample.image.tobytes() + sample.boxes.tobytes()).hexdigest()
    assert done.stdout.strip() == here


def test_no_held_out_digit_or_photograph_is_trained_on():
    used = {}
    for split in ("train", "val"):
        drawn = [scenes(split, 300).sources(i) for i in range(300)]
        digits = set(np.concatenate([digits for _, digits in drawn]).tolist())
        used[split] = digits, {photograph for photograph, _ in drawn}
    assert len(used["val"][0]) > 300
    assert len(used["train"][1]) == 13
    assert not used["train"][0] & used["val"][0]
    assert not used["train"][1] & used["val"][1]


def test_boxes_are_tight_around_visible_masks_and_semantic_agrees():
    for index in range(40):
        sample = scenes()[index]
        for mask, box, label in zip(sample.masks, sample.boxes, sample.ids, strict=True):
            ys, xs = np.nonzero(mask)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert (sample.semantic[mask] == label + 1).all()
        assert (sample.masks.sum(0) <= 1).all()
        assert ((sample.semantic > 0) == sample.masks.any(0)).all()


def test_ink_is_where_the_mask_says(monkeypatch):
    """With and without objects, only the pixels about the masks differ."""
    monkeypatch.setattr("edgecv.data.scenes.paint", lambda *a: 0.0)
    clean = [scenes(noise=0)[i] for i in range(10)]
    monkeypatch.undo()
    for index, bare in enumerate(clean):
        sample = scenes(noise=0)[index]
        gap = np.abs(sample.image.astype(int) - bare.image).max(2)
        ink = sample.masks.any(0)
        assert gap[ink].mean() > 30
        grown = np.zeros_like(ink)
        ys, xs = np.nonzero(ink)
        for dy in range(-9, 10):
            for dx in range(-9, 10):
                grown[np.clip(ys + dy, 0, 127), np.clip(xs + dx, 0, 127)] = True
        assert (gap[~grown] == 0).all()


def test_contrast_goes_both_ways():
    lighter = []
    for index in range(40):
        sample = scenes(noise=0, max_objects=1)[index]
        y, x = np.nonzero(sample.masks[0])
        x0, y0, x1, y1 = sample.boxes[0].astype(int)
        around = sample.image[y0:y1, x0:x1][~sample.masks[0][y0:y1, x0:x1]]
        lighter.append(sample.image[y, x].mean() > around.mean())
    assert 0.2 < np.mean(lighter) < 0.8


def test_objects_overlap_but_none_is_mostly_hidden(monkeypatch):
    full = []

    def spy(self, patch, owner, ink, claim=Scenes._claim):
        placed = claim(self, patch, owner, ink)
        if placed is not None:
            full.append(int((patch.alpha >= INK).sum()))
        return placed

    monkeypatch.setattr(Scenes, "_claim", spy)
    hidden = []
    for index in range(40):
        full.clear()
        masks = scenes()[index].masks
        hidden += [1 - mask.sum() / ink for mask, ink in zip(masks, full, strict=True)]
    assert max(hidden) <= 0.2 + 1e-9
    assert np.mean(np.array(hidden) > 0.02) > 0.05


def test_options_shape_the_scene():
    sample = scenes(size=96, min_objects=3, max_objects=3, smallest=0.2, largest=0.2)[0]
    assert sample.image.shape == (96, 96, 3)
    assert 1 <= len(sample.ids) <= 3
    assert len(scenes(min_objects=0, max_objects=1, count=60)) == 60
    empty = [
        s
        for s in map(scenes(min_objects=0, max_objects=1).__getitem__, range(40))
        if not len(s.ids)
    ]
    assert empty
    assert empty[0].boxes.shape == (0, 4)
    assert empty[0].masks.shape == (0, 128, 128)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        pytest.param({"max_object": 3}, "nearest: max_objects", id="misspelt"),
        pytest.param({"size": 8}, "greater than or equal to 32", id="too-small"),
        pytest.param({"size": "128"}, "data.options.size", id="text"),
        pytest.param({"min_objects": 4, "max_objects": 2}, "min_objects must be", id="order"),
        pytest.param({"smallest": 0.5, "largest": 0.2}, "smallest must be", id="sizes"),
    ],
)
def test_bad_options_are_refused(options, match):
    with pytest.raises(RecipeError, match=match):
        open_dataset(Data(format="scenes", val=4, options=options), "val")
