"""What a training sees is known beforehand."""

import pytest

from mf_nas_kd.images import Batch, Draws
from mf_nas_kd.training import Objective, fit


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
