from dataclasses import fields

import numpy as np
import pytest

from edgecv.data import drawn
from edgecv.data.digits import DigitOptions, Digits
from edgecv.data.drawn import Drawn
from edgecv.data.people import People, PeopleOptions
from edgecv.data.scenes import SceneOptions, Scenes
from edgecv.data.warps import WarpOptions, Warps

SETS = (
    (Digits, DigitOptions(), DigitOptions(size=48)),
    (People, PeopleOptions(size=64), PeopleOptions(size=96)),
    (Scenes, SceneOptions(size=64), SceneOptions(size=96)),
    (Warps, WarpOptions(width=64), WarpOptions(width=96)),
)
each_set = pytest.mark.parametrize(
    ("kind", "options", "others"), SETS, ids=lambda value: getattr(value, "__name__", "")
)


def same(first, second):
    return all(
        np.array_equal(getattr(first, field.name), getattr(second, field.name))
        for field in fields(first)
    )


def test_every_drawn_set_is_tested_here():
    assert {kind for kind, *_ in SETS} == set(Drawn.__subclasses__())


def test_no_two_sets_or_splits_share_a_stream():
    sets = [kind(split, 9, 3, options) for kind, options, _ in SETS for split in ("train", "val")]
    assert len({data._generator(2).random() for data in sets}) == 2 * len(SETS)


@each_set
def test_any_sample_alone_in_any_order(kind, options, others):
    forwards = kind("val", 9, 3, options)
    samples = [forwards[index] for index in range(9)]
    for index in (8, 0, 5):
        assert same(kind("val", 9, 3, options)[index], samples[index])
        assert same(kind("val", 100, 3, options)[index], samples[index])
    assert not any(same(samples[0], other) for other in samples[1:])
    assert [sample.id for sample in samples[:2]] == ["val-000000", "val-000001"]
    assert len(forwards) == 9


@each_set
@pytest.mark.parametrize("index", [-1, 9])
def test_an_index_outside_is_refused(kind, options, others, index):
    with pytest.raises(IndexError, match=str(index)):
        kind("val", 9, 3, options)[index]


@each_set
def test_the_digest_follows_all_that_says_what_is_drawn(kind, options, others):
    base = kind("val", 9, 3, options)
    assert base.digest() == kind("val", 9, 3, options).digest()
    changed = (
        kind("train", 9, 3, options),
        kind("val", 8, 3, options),
        kind("val", 9, 4, options),
        kind("val", 9, 3, others),
    )
    assert len({base.digest(), *(other.digest() for other in changed)}) == 5
    assert not any(same(base[2], other[2]) for other in (changed[0], changed[2], changed[3]))


@each_set
def test_the_digest_follows_what_it_is_drawn_from(kind, options, others, monkeypatch):
    base = kind("val", 9, 3, options).digest()
    for name in kind.kind.materials:
        with monkeypatch.context() as patch:
            patch.setitem(drawn._DIGESTS, name, lambda: "another edition")
            assert kind("val", 9, 3, options).digest() != base
