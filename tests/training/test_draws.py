"""What a training sees is known beforehand."""

from itertools import islice

import pytest
import torch

from mf_nas_kd.images import Batch, Draws
from mf_nas_kd.training import Objective, fit


def test_every_epoch_is_whole_batches_of_different_images_in_a_new_order():
    draws = Draws.of(images=21, augmentations=9, batch_size=8, seed=0)
    epochs = list(islice(draws.epochs(), 3))
    assert draws.steps_an_epoch == 2
    for positions, augmentations in epochs:
        assert len(positions) == len(augmentations) == 16
        assert len(positions.unique()) == 16
        assert set(positions.tolist()) <= set(range(21))
        assert set(augmentations.tolist()) <= set(range(9))
    assert not torch.equal(epochs[0][0], epochs[1][0])
    assert [p.tolist() for p, _ in islice(draws.epochs(), 3)] == [p.tolist() for p, _ in epochs]


def test_a_small_subset_is_one_batch():
    assert Draws.of(images=5, augmentations=1, batch_size=8, seed=0).steps_an_epoch == 1


class Watched(Objective):
    def __init__(self):
        super().__init__(0.0)
        self.seen = []

    def forward(self, taps, batch: Batch, progress=1.0):
        self.seen += (batch.positions * 9 + batch.augmentations).tolist()
        return super().forward(taps, batch, progress)


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_pairs_are_exactly_those_that_a_training_sees(network, resident, settings, epochs):
    watched = Watched()
    fit(network, resident, watched, settings.hyper_parameters, epochs, seed=5)
    draws = Draws.of(len(resident), len(resident.augmentation), settings.hyper_parameters.batch_size, 5)
    pairs = draws.pairs(epochs, match_gradient_norm=False)
    assert pairs.tolist() == sorted(set(watched.seen))


def test_the_batch_that_matches_gradient_norms_is_among_the_pairs():
    draws = Draws.of(images=200, augmentations=9, batch_size=8, seed=0)
    positions, augmentations = draws.gradient_norm_batch()
    assert len(positions) == 8
    assert set((positions * 9 + augmentations).tolist()) <= set(draws.pairs(1, match_gradient_norm=True).tolist())
    assert len(draws.pairs(1, match_gradient_norm=True)) > len(draws.pairs(1, match_gradient_norm=False))
