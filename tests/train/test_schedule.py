import pytest

from edgecv.recipe import Train
from edgecv.train.schedule import learning_rate


def rates(**settings):
    train = Train(lr=1.0, **settings)
    return [learning_rate(step, train) for step in range(train.steps)]


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
def test_it_rises_to_the_peak_and_falls_towards_zero(schedule):
    values = rates(steps=100, warmup=0.2, schedule=schedule)
    assert max(values) == pytest.approx(1.0)
    assert values.index(max(values)) in (19, 20)
    assert values[:20] == sorted(values[:20])
    assert values[20:] == sorted(values[20:], reverse=True)
    assert 0 < values[-1] < 1e-3


def test_warm_up_of_each_by_hand():
    assert rates(steps=10, warmup=0.2)[:2] == pytest.approx([0.5, 1.0])
    cycle = rates(steps=10, warmup=0.2, schedule="onecycle")
    assert cycle[:2] == pytest.approx([0.04 + 0.96 / 2, 1.0])


@pytest.mark.parametrize("warmup", [0.0, 0.5])
@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
def test_a_single_step_has_a_rate(schedule, warmup):
    assert 0 < rates(steps=1, warmup=warmup, schedule=schedule)[0] <= 1


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
def test_the_fall_begins_where_the_warm_up_ends(schedule):
    values = rates(steps=12, warmup=1 / 3, schedule=schedule)  # 4 up, 8 down
    assert values[4] == pytest.approx(1.0)
    assert values[8] == pytest.approx(0.5)  # half way down half a cosine
