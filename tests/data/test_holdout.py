import pytest

from edgecv.data.holdout import belongs, fraction, take
from edgecv.errors import RecipeError

NAMES = [f"class/{i:04d}.jpg" for i in range(2000)]


def test_fraction_by_hand():
    """The first 8 bytes of sha256("0:a/b.jpg") over 2**64, worked out with sha256sum."""
    assert fraction("a/b.jpg", 0) == int("f7fcbacfa43e1eed", 16) / 2**64


def test_every_picture_is_in_exactly_one_split_and_the_share_is_kept():
    rule = {"seed": 3, "val_share": 0.2}
    val = [name for name in NAMES if belongs(name, "val", **rule)]
    train = [name for name in NAMES if belongs(name, "train", **rule)]
    assert sorted(val + train) == NAMES
    assert 0.17 < len(val) / len(NAMES) < 0.23


def test_seed_decides():
    splits = [[belongs(n, "val", seed=seed, val_share=0.5) for n in NAMES] for seed in (0, 1)]
    assert splits[0] != splits[1]


def test_take_keeps_the_order_and_mixes():
    part = take(NAMES, 50, seed=0, split="val")
    assert len(part) == 50
    assert part == sorted(part)
    assert part != NAMES[:50]
    assert take(NAMES, 0, seed=0, split="val") == NAMES


def test_too_many_are_refused():
    with pytest.raises(RecipeError, match=r"data\.val asks for more"):
        take(NAMES, 2001, seed=0, split="val")


def test_a_choice_is_none_of_the_split():
    """Else few training pictures would be those next to the held-out ones, and move with them."""
    ranked = sorted(NAMES, key=lambda name: fraction(name, 0))
    part = take(NAMES, 100, seed=0, split="train")
    assert 20 < sum(name in ranked[:1000] for name in part) < 80
