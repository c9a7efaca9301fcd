from itertools import islice

import torch
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.images.draws import Draws


def encoded(drawn, augmentations):
    positions, rows = drawn
    return (positions * augmentations + rows).tolist()


@given(st.integers(1, 60), st.integers(1, 10), st.integers(1, 20), st.integers(0, 2**32), st.integers(1, 4))
def test_pairs_are_exactly_what_the_epochs_draw(images, augmentations, batch_size, seed, epochs):
    draws = Draws.of(images, augmentations, batch_size, seed)
    seen = {pair for drawn in islice(draws.epochs(), epochs) for pair in encoded(drawn, augmentations)}
    assert draws.pairs(epochs, False).tolist() == sorted(seen)
    before_the_first_step = set(draws.pairs(epochs, True).tolist()) - seen
    assert seen <= set(draws.pairs(epochs, True).tolist())
    assert len(before_the_first_step) <= draws.batch_size
    assert set(draws.pairs(epochs + 1, False).tolist()) >= seen, "longer trainings see what shorter ones see"


@given(st.integers(1, 60), st.integers(1, 10), st.integers(1, 20), st.integers(0, 2**32))
def test_an_epoch_is_whole_batches_of_different_images(images, augmentations, batch_size, seed):
    draws = Draws.of(images, augmentations, batch_size, seed)
    for positions, rows in islice(draws.epochs(), 2):
        assert len(positions) == len(rows) == draws.steps_an_epoch * draws.batch_size > images - draws.batch_size
        assert len(positions.unique()) == len(positions)
        assert 0 <= positions.min() <= positions.max() < images
        assert 0 <= rows.min() <= rows.max() < augmentations


@given(st.integers(0, 2**32))
def test_draws_are_a_function_of_their_seed(seed):
    first, again, other = (Draws.of(200, 9, 8, s) for s in (seed, seed, seed + 1))
    epochs = [next(draws.epochs()) for draws in (first, again, other)]
    assert all(torch.equal(a, b) for a, b in zip(epochs[0], epochs[1], strict=True))
    assert not torch.equal(epochs[0][0], epochs[2][0])


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


def test_the_batch_that_matches_gradient_norms_is_among_the_pairs():
    draws = Draws.of(images=200, augmentations=9, batch_size=8, seed=0)
    positions, augmentations = draws.gradient_norm_batch()
    assert len(positions) == 8
    assert set((positions * 9 + augmentations).tolist()) <= set(draws.pairs(1, match_gradient_norm=True).tolist())
    assert len(draws.pairs(1, match_gradient_norm=True)) > len(draws.pairs(1, match_gradient_norm=False))
