"""What every variant of the zoo promises, one set of checks over the whole registry."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from edgecv.head import HEADS
from edgecv.recipe import load_recipe, shipped_recipes
from edgecv.zoo.registry import create, variants

NAMES = sorted(variants())
SIDE = 64  # an input that most nets accept and still have more than one cell
UNPADDED = ("inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2")


def side_of(name: str) -> int:
    """Unpadded stems eat more of the picture."""
    return 139 if name in UNPADDED else SIDE


def roles_of(name: str) -> set[str]:
    return {"classify": {"logits"}, "detect": set(HEADS["centernet"].roles)}[variants()[name].task]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", NAMES)
def test_parameter_count_is_the_published_one(name):
    with torch.device("meta"):
        net = create(name)
    assert sum(p.numel() for p in net.parameters()) == variants()[name].params


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_the_heads_roles_for_odd_batch_and_oblong_input(name):
    with torch.device("meta"):
        net = create(name, classes=7).eval()
        outputs = net(torch.empty(3, 3, side_of(name), side_of(name) + 32))
    assert set(outputs) == roles_of(name)
    channels = {"logits": 7, "heatmap": 7, "size": 2, "offset": 2}
    for role, tensor in outputs.items():
        cells = () if role == "logits" else (SIDE // 4, (SIDE + 32) // 4)
        assert tensor.shape == (3, channels[role], *cells), role


@pytest.mark.parametrize("name", [n for n in NAMES if variants()[n].task == "classify"])
def test_classifier_is_a_backbone(name):
    if name.startswith("snn_mlp"):
        pytest.skip("an MLP has no feature maps")
    side = side_of(name)
    with torch.device("meta"):
        maps = create(name).eval().features(torch.empty(2, 3, side, side))
    strides = list(maps)
    assert strides == sorted(strides)
    assert all(b == 2 * a for a, b in pairwise(strides))
    for stride, map_ in maps.items():  # unpadded layers lose a few cells
        assert map_.shape[0] == 2
        assert side / stride - 6 <= map_.shape[2] <= side / stride + 1


# What is computed is computed on one slim form of each architecture: the large ones repeat its
# blocks, and `make full-check` exports, builds and compares every one of them.
LIGHT = [n for n in NAMES if "tiny" in n or n in {"resnet18", "resnet50", "centernet_resnet18"}]


def test_the_slim_forms_stand_for_every_architecture():
    assert len(NAMES) >= 70
    assert {variants()[n].module for n in LIGHT} == {variants()[n].module for n in NAMES}


@pytest.mark.parametrize("name", LIGHT)
def test_gradient_reaches_every_weight(name):
    net = create(name, classes=3)
    outputs = net(torch.randn(2, 3, SIDE, SIDE))
    sum(tensor.square().sum() for tensor in outputs.values()).backward()
    dead = [k for k, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


def test_gradient_reaches_the_auxiliary_heads():
    net = create("googlenet", classes=3)
    outputs = net(torch.randn(2, 3, SIDE, SIDE))
    (outputs["aux1"] + outputs["aux2"]).square().sum().backward()
    heads = {k: p for k, p in net.named_parameters() if k.startswith("aux")}
    assert len(heads) == 14
    assert all(p.grad.abs().sum() > 0 for p in heads.values())


def test_gradient_reaches_the_auxiliary_head_of_inception_v3():
    with torch.device("meta"):
        net = create("inception_v3", classes=3).train()
        net(torch.empty(2, 3, 299, 299))["aux"].sum().backward()
    heads = {k: p for k, p in net.named_parameters() if k.startswith("Aux")}
    assert len(heads) == 8
    assert all(p.grad is not None for p in heads.values())


# published without auxiliary classifiers: issue 4's table, torchvision's own metadata
@pytest.mark.parametrize(
    ("name", "params"), [("googlenet", 6_624_904), ("inception_v3", 23_834_568)]
)
def test_without_auxiliary_classifiers_it_has_the_published_count(name, params):
    with torch.device("meta"):
        net = create(name, aux=False)
        assert set(net.train()(torch.empty(2, 3, 96, 96))) == {"logits"}
    assert sum(p.numel() for p in net.parameters()) == params
    assert not [key for key in net.state_dict() if key.lower().startswith("aux")]


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(LIGHT)))
def test_every_weight_takes_part_in_training(name):
    """On the meta device: a gradient exists; the slim forms show that it is more than zero."""
    arguments = {"aux": False} if name == "inception_v3" else {}  # it needs 299 pixels
    with torch.device("meta"):
        net = create(name, classes=3, **arguments).train()
        outputs = net(torch.empty(2, 3, side_of(name), side_of(name)))
        sum(tensor.sum() for tensor in outputs.values()).backward()
    assert [key for key, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", LIGHT)
def test_torch_export_agrees_with_the_module(name):
    net = create(name, classes=3).eval()
    x = torch.randn(2, 3, SIDE, SIDE)
    exported = torch.export.export(net, (x,)).module()
    with torch.no_grad():
        expected, got = net(x), exported(x)
    assert set(got) == set(expected)
    for role, tensor in expected.items():
        torch.testing.assert_close(got[role], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_recipe_named_by_the_row_is_shipped_and_of_its_architecture(name):
    info = variants()[name]
    recipe = load_recipe(Path(shipped_recipes()[info.recipe]))
    assert recipe.task == info.task
    assert recipe.arch is not None
    assert variants()[recipe.arch.name].module == info.module


@pytest.mark.parametrize("name", NAMES)
def test_module_docstring_names_the_paper(name):
    from importlib import import_module

    info = variants()[name]
    assert info.paper in (import_module(info.module).__doc__ or "")
