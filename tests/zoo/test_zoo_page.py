"""docs/zoo.md says of every variant what the registry says."""

import re
from pathlib import Path

import pytest
import torch

from edgecv.recipe import find_recipe, load_recipe, shipped_recipes
from edgecv.zoo import registry
from edgecv.zoo.published import BY_HAND, PUBLISHED
from edgecv.zoo.registry import create, variants

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "zoo.md").read_text()
FULL = [n for n, v in variants().items() if v.task == "classify" and not n.endswith("_tiny")]


def rows():
    """variant -> (parameters, maps, recipe, weights), as the page prints them."""
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in PAGE.splitlines()]
    return {c[0]: tuple(c[1:]) for c in cells if len(c) == 5 and c[1].replace(",", "").isdigit()}


def test_every_variant_has_its_row_and_no_other_has():
    assert list(rows()) == FULL


@pytest.mark.parametrize("name", FULL)
def test_row_says_what_the_registry_says(name):
    info = variants()[name]
    size = load_recipe(find_recipe(Path(info.recipe))).input.size
    with torch.device("meta"):
        net = create(name).eval()
        maps = net.features(torch.empty(1, 3, *size)) if hasattr(net, "features") else {}
    channels = ", ".join(f"{stride}: {m.shape[1]}" for stride, m in maps.items()) or "–"
    assert rows()[name] == (f"{info.params:,}", channels, info.recipe, weights(name))


def weights(name):
    if name in BY_HAND:
        return "by hand"
    first, *others = PUBLISHED.get(name, {}) or ["–"]
    first = first if first == "–" else f"`{first}`"
    return ", ".join([first, *(f"`{t.replace('torchvision:IMAGENET1K', '…')}`" for t in others)])


def test_every_family_is_told_of():
    told = PAGE.partition("## The families")[2].partition("## Every variant")[0].lower()
    families = {variants()[n].module.rpartition(".")[2] for n in FULL}
    words = {"alexnet": "alexnet", "senet": "se-nets", "snn": "self-normalising"}
    words |= {"randwire": "randomly wired", "mobilenet": "mobilenet v1"}
    words |= {"inception_resnet": "inception-resnet v1, v2", "inception_v2": "inception v2"}
    words |= {"inception_v3": "v3", "inception_v4": "v4"}
    words |= {"shufflenet_v1": "shufflenet v1", "shufflenet_v2": "v2"}
    assert [f for f in families if words.get(f, f) not in told] == []


@pytest.mark.parametrize("name", sorted(n for n in shipped_recipes() if n.startswith("classify/")))
def test_what_a_recipe_says_of_weights_and_variants_is_so(name):
    """Tags it names are published for its variant; variants of its family are named in full."""
    text = Path(shipped_recipes()[name]).read_text()
    arch = load_recipe(Path(shipped_recipes()[name])).arch.name
    for tag in re.findall(r"--weights ((?:torchvision|timm):\w+)", text):
        assert tag in PUBLISHED[arch]
    assert ("--weights torchvision" in text or "--weights timm" in text) == (arch in PUBLISHED)
    for variant in re.findall(r"arch\.name=(\w+)", text):
        assert variants()[variant].module == variants()[arch].module
    if arch in BY_HAND:
        assert f"timm's {BY_HAND[arch].rpartition('/')[2]}" in text


# Shorter side that the public weights' own transform resizes to (torchvision 0.28, timm 1.0.31),
# input size, mean and deviation in 0..255
IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
HALF = ((127.5,) * 3, (127.5,) * 3)
JUDGED = {
    "alexnet": (256, 224, IMAGENET),
    "vgg16": (256, 224, IMAGENET),
    "googlenet": (256, 224, HALF),  # transform_input
    "inception_v3": (342, 299, HALF),  # transform_input
    "inception_v4": (341, 299, HALF),
    "inception_resnet_v2": (333, 299, HALF),
    "resnet18": (256, 224, IMAGENET),
    "resnext50_32x4d": (256, 224, IMAGENET),
    "seresnet50": (256, 224, IMAGENET),
    "seresnext50_32x4d": (256, 224, IMAGENET),
    "densenet121": (256, 224, IMAGENET),
    "mobilenet_v1": (256, 224, HALF),
    "squeezenet1_0": (256, 224, IMAGENET),
    "squeezenet1_1": (256, 224, IMAGENET),
    "shufflenet_v2": (256, 224, IMAGENET),
}


@pytest.mark.parametrize("name", JUDGED)
def test_pictures_are_prepared_as_the_public_weights_were_judged(name):
    resized, side, (mean, std) = JUDGED[name]
    given = load_recipe(find_recipe(Path(f"classify/{name}"))).input
    assert given.size == (side, side)
    assert int(side / given.crop_ratio) == resized  # ops.letterbox rounds down, as timm
    assert given.mean == pytest.approx(mean)
    assert given.std == pytest.approx(std)
    assert (given.color, given.resize, given.interpolation) == ("rgb", "crop", "antialias")


def test_every_published_variant_is_judged_by_its_recipe():
    recipes = {variants()[n].recipe.removeprefix("classify/") for n in (*PUBLISHED, *BY_HAND)}
    assert recipes == set(JUDGED)


def test_other_tags_crop_as_the_recipes_say():
    assert int(224 / 0.9655) == 232  # IMAGENET1K_V2, ShuffleNet v2 x1.5 and x2.0
    assert int(224 / 0.95) == 235  # timm:a1_in1k


def test_the_architecture_of_ones_own_works_as_written(monkeypatch):
    variants()
    monkeypatch.setattr(registry, "_infos", dict(registry._infos))
    monkeypatch.setattr(registry, "_builders", dict(registry._builders))
    (code,) = (c for c in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "class Mine" in c)
    exec(compile(code, "zoo.md", "exec"), {"__name__": "my_net"})
    for name in ("mine_small", "mine"):
        net = create(name)
        assert sum(p.numel() for p in net.parameters()) == variants()[name].params
        assert net(torch.zeros(2, 3, 8, 8))["logits"].shape == (2, 10)
