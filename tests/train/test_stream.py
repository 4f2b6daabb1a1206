import numpy as np
import pytest
import torch

from edgecv.data import open_dataset
from edgecv.train.objective import objective_of
from edgecv.train.stream import Stream, loader, order


@pytest.fixture
def stream(recipe):
    return Stream(recipe, open_dataset(recipe.data, "train"), objective_of(recipe).encode, seed=0)


def batches(stream, steps, workers=0):
    return list(loader(stream, 4, steps, workers))


def same(a, b):
    return all(torch.equal(value, b[key]) for key, value in a.items())


def test_a_later_start_sees_what_the_whole_run_saw(stream):
    whole = batches(stream, range(0, 20))  # fifty samples: past the end of the first epoch
    late = batches(stream, range(13, 20))
    assert len(late) == 7
    assert all(same(a, b) for a, b in zip(whole[13:], late, strict=True))


@pytest.mark.parametrize("workers", [1, 2])
def test_loader_processes_change_nothing(stream, workers):
    assert all(
        same(a, b)
        for a, b in zip(batches(stream, range(3)), batches(stream, range(3), workers), strict=True)
    )


def test_a_cache_changes_nothing_and_asks_for_each_sample_once(recipe, stream):
    class Counted:
        names = stream.dataset.names
        asked = 0

        def __len__(self):
            return len(stream.dataset)

        def __getitem__(self, index):
            self.asked += 1
            return stream.dataset[index]

    settings = recipe.train.model_copy(update={"cache": True})
    counted = Counted()
    cached = Stream(
        recipe.model_copy(update={"train": settings}), counted, stream.encode, stream.seed
    )
    pairs = zip(batches(stream, range(30)), batches(cached, range(30)), strict=True)
    assert all(same(a, b) for a, b in pairs)
    assert counted.asked == len(counted)


def test_iterating_draws_nothing_from_the_global_generator(stream):
    before = torch.get_rng_state()
    batches(stream, range(2))
    assert torch.equal(before, torch.get_rng_state())


def test_every_epoch_shows_every_sample_once_in_another_order():
    first, second = order(50, 0, 0), order(50, 0, 1)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, order(50, 1, 0))


def test_batches_are_float_images_and_integer_labels(stream):
    (batch,) = batches(stream, range(1))
    assert batch["image"].shape == (4, 3, 16, 16)
    assert batch["image"].dtype == torch.float32
    assert batch["label"].dtype == torch.int64
