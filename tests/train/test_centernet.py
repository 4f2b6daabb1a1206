import numpy as np
import pytest
import torch

from edgecv.data import Sample
from edgecv.errors import RecipeError
from edgecv.recipe import Recipe
from edgecv.results import Detections
from edgecv.runtime.heads import decode
from edgecv.runtime.preprocess import Preprocessor
from edgecv.train.centernet import MIN_OVERLAP, CenterNetObjective, focal_loss, radius, splat

NAMES = ("a", "b", "c")


def detector(size=(64, 96), unit="cell", stride=4, names=NAMES) -> Recipe:
    return Recipe.model_validate(
        {
            "arch": {"name": "centernet_tiny", "args": {"classes": 3}},
            "task": "detect",
            "input": {"size": size},
            "head": {"kind": "centernet", "names": names, "size_unit": unit, "stride": stride},
        }
    )


def encode(recipe, boxes, ids, crowd=None, image_size=(64, 96)):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    image = np.zeros((*image_size, 3), np.uint8)
    if crowd is not None:
        crowd = np.array(crowd, np.bool_)
    sample = Sample(image=image, id="x", boxes=boxes, ids=np.array(ids, np.int64), crowd=crowd)
    geometry = Preprocessor(recipe.input).geometry(image_size)
    return CenterNetObjective(recipe).encode(sample, geometry), geometry


def iou(a, b):
    wide = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return wide * high / (sum(area) - wide * high)


@pytest.mark.parametrize("size", [(10, 10), (4, 30), (25, 7), (100, 80)])
def test_radius_is_the_largest_whole_shift_of_the_corners(size):
    """Worst of corners both in, both out, and one each way, at the radius and one beyond."""
    width, height = size

    def worst(r):
        box = (0, 0, width, height)
        moved = [(r, r, width - r, height - r), (-r, -r, width + r, height + r)]
        moved += [(r, r, width + r, height + r)]
        return min(iou(box, other) for other in moved)

    reach = radius(width, height)
    assert worst(reach) >= MIN_OVERLAP - 1e-9
    assert worst(reach + 1) < MIN_OVERLAP


def test_a_point_sized_object_still_has_a_peak():
    assert radius(0.4, 0.4) == 0
    heatmap = np.zeros((5, 5), np.float32)
    splat(heatmap, 2, 3, 0)
    assert heatmap[3, 2] == 1
    assert heatmap.sum() == 1


def test_splat_is_cut_at_the_border_and_keeps_the_higher_value():
    heatmap = np.zeros((8, 8), np.float32)
    splat(heatmap, 0, 0, 2)
    splat(heatmap, 1, 0, 2)
    assert heatmap[0, 0] == heatmap[0, 1] == 1
    assert heatmap[0, 2] == pytest.approx(np.exp(-1 / (2 * (5 / 6) ** 2)))
    assert not heatmap[3:].any()


@pytest.mark.parametrize("unit", ["cell", "pixel"])
def test_targets_decode_to_the_boxes_they_came_from(unit):
    recipe = detector(unit=unit)
    boxes = [[8.5, 4, 30, 20.25], [40, 31, 90, 63]]
    targets, geometry = encode(recipe, boxes, [2, 0])
    outputs = {
        "heatmap": np.where(targets["heatmap"] == 1, 9, -9).astype(np.float32)[None],
        "size": targets["size"][None],
        "offset": targets["offset"][None],
    }
    (found,) = decode(recipe.head, outputs, [geometry])
    assert isinstance(found, Detections)
    order = np.argsort(found.boxes[:, 0])
    np.testing.assert_allclose(found.boxes[order], boxes, atol=1e-4)
    assert found.ids[order].tolist() == [2, 0]


def test_targets_by_hand():
    targets, _ = encode(detector(), [[8, 12, 24, 20]], [1])  # centre (16, 16): cell (4, 4)
    assert targets["heatmap"].shape == (3, 16, 24)
    assert targets["heatmap"][1, 4, 4] == 1
    assert targets["heatmap"][[0, 2]].sum() == 0
    assert targets["size"][:, 4, 4].tolist() == [4, 2]
    assert targets["offset"][:, 4, 4].tolist() == [0, 0]
    assert targets["centre"].sum() == 1


def test_of_two_objects_in_one_cell_the_smaller_is_learned():
    for order in ([0, 1], [1, 0]):
        boxes = np.array([[4, 4, 28, 28], [14, 14, 18, 18]])[order]
        targets, _ = encode(detector(), boxes, np.array([0, 2])[order])
        assert targets["size"][:, 4, 4].tolist() == [1, 1]
        assert targets["heatmap"][0, 4, 4] == targets["heatmap"][2, 4, 4] == 1


def test_a_crowd_is_neither_asked_for_nor_wrong():
    targets, _ = encode(detector(), [[0, 0, 32, 32], [8, 8, 16, 16]], [0, 1], crowd=[True, False])
    assert targets["heatmap"][0].sum() == 0
    assert targets["counted"][0, 3, 3] == 1  # the centre of a real object inside it
    assert targets["counted"][0, :8, :8].sum() == 1
    assert targets["counted"][0, 8:].all()
    logits = torch.full((1, 3, 16, 24), -9.0)
    shouted = logits.clone()
    shouted[0, 2, 6, 6] = 9.0  # inside the crowd
    loss = [
        focal_loss(
            x,
            torch.from_numpy(targets["heatmap"])[None],
            torch.from_numpy(targets["counted"])[None],
        )
        for x in (logits, shouted)
    ]
    assert loss[0] == loss[1]


def test_an_empty_picture_has_only_absence():
    targets, _ = encode(detector(), [], [])
    assert not targets["heatmap"].any()
    assert not targets["centre"].any()


def test_focal_loss_by_hand():
    """Equation 1 with alpha 2, beta 4 at three cells: a centre, near one, and far away."""
    p = np.array([0.8, 0.3, 0.1])
    y = np.array([1.0, 0.5, 0.0])
    expected = -(
        (1 - p[0]) ** 2 * np.log(p[0])
        + (1 - y[1]) ** 4 * p[1] ** 2 * np.log(1 - p[1])
        + p[2] ** 2 * np.log(1 - p[2])
    )
    logits = torch.from_numpy(np.log(p / (1 - p))).float().reshape(1, 1, 1, 3)
    target = torch.from_numpy(y).float().reshape(1, 1, 1, 3)
    loss = focal_loss(logits, target, torch.ones(1, 1, 1, 3))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_extreme_logits_have_a_finite_loss_and_gradient():
    logits = torch.tensor([200.0, -200.0]).reshape(1, 1, 1, 2).requires_grad_()
    target = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    focal_loss(logits, target, torch.ones(1, 1, 1, 2)).backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("unit", ["cell", "pixel"])
def test_loss_counts_objects_not_cells_and_not_units(unit):
    recipe = detector(unit=unit)
    targets, _ = encode(recipe, [[8, 12, 24, 20], [40, 20, 72, 52]], [1, 2])
    batch = {key: torch.from_numpy(value)[None] for key, value in targets.items()}
    scale = 4 if unit == "pixel" else 1
    outputs = {
        "heatmap": torch.where(batch["heatmap"] == 1, 30.0, -30.0),
        "size": batch["size"] + 1.0 * scale,
        "offset": batch["offset"] - 0.25,
    }
    loss = CenterNetObjective(recipe).loss(outputs, batch)
    assert loss["heatmap"].item() == pytest.approx(0, abs=1e-6)
    assert loss["size"].item() == pytest.approx(0.1 * 2)  # one cell off in width and height
    assert loss["offset"].item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"size": (62, 96)}, "multiple of head.stride", id="stride"),
        pytest.param({"names": ()}, "needs the class names", id="names"),
    ],
)
def test_a_recipe_that_cannot_be_encoded_is_refused(change, message):
    with pytest.raises(RecipeError, match=message):
        CenterNetObjective(detector(**change))
