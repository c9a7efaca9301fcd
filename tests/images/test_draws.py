from itertools import islice

import torch
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.images.draws import Draws
from mf_nas_kd.seeding import derive_seed

IMAGES, ROWS, BATCHES = st.integers(1, 60), st.integers(1, 10), st.integers(1, 20)
SEEDS = st.integers(0, 2**32)


def encoded(drawn, augmentations):
    positions, rows = drawn
    return (positions * augmentations + rows).tolist()


def stream(draws, epochs):
    """Positions and augmentations of all steps of a training, one after the other."""
    return [torch.cat(parts) for parts in zip(*islice(draws.epochs(), epochs), strict=True)]


@given(IMAGES, ROWS, BATCHES, SEEDS, st.integers(1, 4))
def test_pairs_are_exactly_what_the_epochs_draw(images, augmentations, batch_size, seed, epochs):
    draws = Draws.of(images, augmentations, batch_size, seed)
    seen = {pair for drawn in islice(draws.epochs(), epochs) for pair in encoded(drawn, augmentations)}
    assert draws.pairs(epochs, False).tolist() == sorted(seen)
    before_the_first_step = set(draws.pairs(epochs, True).tolist()) - seen
    assert seen <= set(draws.pairs(epochs, True).tolist())
    assert len(before_the_first_step) <= draws.batch_size
    assert set(draws.pairs(epochs + 1, False).tolist()) >= seen, "longer trainings see what shorter ones see"


@given(IMAGES, ROWS, BATCHES, SEEDS, st.integers(1, 6))
def test_every_image_is_seen_in_every_epoch(images, augmentations, batch_size, seed, epochs):
    """The cost of a training is that of its passes over the images, up to less than a batch."""
    draws = Draws.of(images, augmentations, batch_size, seed)
    positions, rows = stream(draws, epochs)
    assert len(positions) == len(rows) == draws.steps(epochs) * draws.batch_size
    assert 0 <= len(positions) - epochs * images < draws.batch_size
    times = positions.bincount(minlength=images)
    assert len(times) == images
    assert times.min() == epochs
    assert times.max() <= epochs + 1
    for epoch in range(epochs):
        part = positions[epoch * images : (epoch + 1) * images]
        assert len(part.unique()) == images, "each image once in each permutation"
    assert 0 <= rows.min() <= rows.max() < augmentations


@given(IMAGES, BATCHES, SEEDS)
def test_a_batch_has_different_images(images, batch_size, seed):
    """A loss may compare the images of a batch, or keep a memory of each."""
    draws = Draws.of(images, 3, batch_size, seed)
    for batch in stream(draws, 5)[0].split(draws.batch_size):
        assert len(batch.unique()) == len(batch) == draws.batch_size


@given(IMAGES, BATCHES, SEEDS)
def test_epochs_have_whole_batches(images, batch_size, seed):
    draws = Draws.of(images, 3, batch_size, seed)
    lengths = [len(positions) for positions, _ in islice(draws.epochs(), 5)]
    steps = [draws.steps(epoch) - draws.steps(epoch - 1) for epoch in range(1, 6)]
    assert lengths == [count * draws.batch_size for count in steps]
    assert min(steps) >= 1


@given(st.integers(1, 6), BATCHES, ROWS, SEEDS)
def test_whole_batches_are_those_of_plain_permutations(batches, batch_size, augmentations, seed):
    """Nothing is left over, nothing is moved: bit by bit the order of earlier versions."""
    images = batches * batch_size
    generator = torch.Generator().manual_seed(derive_seed(seed, "batches"))
    for positions, rows in islice(Draws.of(images, augmentations, batch_size, seed).epochs(), 3):
        assert torch.equal(positions, torch.randperm(images, generator=generator))
        assert torch.equal(rows, torch.randint(augmentations, (images,), generator=generator))


@given(SEEDS)
def test_draws_are_a_function_of_their_seed(seed):
    first, again, other = (Draws.of(203, 9, 8, s) for s in (seed, seed, seed + 1))
    epochs = [stream(draws, 3) for draws in (first, again, other)]
    assert all(torch.equal(a, b) for a, b in zip(epochs[0], epochs[1], strict=True))
    assert not torch.equal(epochs[0][0], epochs[2][0])


def test_every_permutation_is_a_new_one():
    positions, _ = stream(Draws.of(images=21, augmentations=9, batch_size=8, seed=0), 8)
    orders = {tuple(part.tolist()) for part in positions.split(21)}
    assert len(orders) == 8


def test_images_that_follow_a_batch_that_has_begun_are_drawn_evenly():
    """Five images in batches of three: at the front of the second permutation is one that is not among the last two."""
    second = torch.zeros(5)
    for seed in range(500):
        positions, _ = stream(Draws.of(images=5, augmentations=1, batch_size=3, seed=seed), 2)
        assert positions[5] not in positions[3:5]
        second[positions[6:8]] += 1
    assert second.min() > 120
    assert second.sum() == 1000


def test_a_small_subset_is_one_batch():
    draws = Draws.of(images=5, augmentations=1, batch_size=8, seed=0)
    assert draws.steps(1) == 1
    assert draws.steps(7) == 7


def test_the_batch_that_matches_gradient_norms_is_among_the_pairs():
    draws = Draws.of(images=200, augmentations=9, batch_size=8, seed=0)
    positions, augmentations = draws.gradient_norm_batch()
    assert len(positions) == 8
    assert set((positions * 9 + augmentations).tolist()) <= set(draws.pairs(1, match_gradient_norm=True).tolist())
    assert len(draws.pairs(1, match_gradient_norm=True)) > len(draws.pairs(1, match_gradient_norm=False))
