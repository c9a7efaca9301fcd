"""What a training sees is known beforehand."""

from itertools import islice

import pytest
import torch

from mf_nas_kd.images import Batch
from mf_nas_kd.training import Draws, Objective, fit


def test_every_epoch_is_whole_batches_of_different_images_in_a_new_order():
    draws = Draws.of(images=21, views=9, batch_size=8, seed=0)
    epochs = list(islice(draws.epochs(), 3))
    assert draws.steps_an_epoch == 2
    for positions, views in epochs:
        assert len(positions) == len(views) == 16
        assert len(positions.unique()) == 16
        assert set(positions.tolist()) <= set(range(21))
        assert set(views.tolist()) <= set(range(9))
    assert not torch.equal(epochs[0][0], epochs[1][0])
    assert [p.tolist() for p, _ in islice(draws.epochs(), 3)] == [p.tolist() for p, _ in epochs]


def test_a_small_subset_is_one_batch():
    assert Draws.of(images=5, views=1, batch_size=8, seed=0).steps_an_epoch == 1


class Watched(Objective):
    def __init__(self):
        super().__init__(0.0)
        self.seen = []

    def forward(self, taps, batch: Batch, progress=1.0):
        self.seen += (batch.positions * 9 + batch.views).tolist()
        return super().forward(taps, batch, progress)


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_pairs_are_exactly_those_that_a_training_sees(network, resident, settings, epochs):
    watched = Watched()
    fit(network, resident, watched, settings.recipe, epochs, seed=5)
    pairs = Draws.of(len(resident), resident.views, settings.recipe.batch_size, 5).pairs(epochs, balanced=False)
    assert pairs.tolist() == sorted(set(watched.seen))


def test_the_batch_that_balances_is_among_the_pairs():
    draws = Draws.of(images=200, views=9, batch_size=8, seed=0)
    positions, views = draws.to_balance()
    assert len(positions) == 8
    assert set((positions * 9 + views).tolist()) <= set(draws.pairs(1, balanced=True).tolist())
    assert len(draws.pairs(1, balanced=True)) > len(draws.pairs(1, balanced=False))
