"""Hypervolume of two dimensions, against counting, and its expected improvement against random numbers."""

import numpy as np
import pytest

from mf_nas_kd.search.hypervolume import ReferencePoint, Staircase, hypervolume

SEEDS = range(8)


def points(seed, count=7):
    """On a coarse grid, so that some are equal in one coordinate and some lie beyond the reference point."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 12, count).astype(float), rng.integers(-1, 12, count).astype(float)


def counted(log_costs, scores, reference):
    """Number of unit squares that a point dominates, all coordinates being whole numbers."""
    squares = [(x, y) for x in range(int(reference.log_cost)) for y in range(int(reference.score), 12)]
    return sum(any(c <= x and s >= y + 1 for c, s in zip(log_costs, scores, strict=True)) for x, y in squares)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hypervolume_is_the_number_of_dominated_squares(seed):
    reference = ReferencePoint(10.0, 1.0)
    assert hypervolume(*points(seed), reference) == pytest.approx(counted(*points(seed), reference))


def test_by_hand():
    """0.2 above the reference between log costs 0 and 1, 0.3 between 1 and 3; the third point is dominated."""
    found = hypervolume(np.array([0.0, 1.0, 2.0]), np.array([0.6, 0.7, 0.65]), ReferencePoint(3.0, 0.4))
    assert found == pytest.approx(0.2 + 2 * 0.3)
    assert hypervolume(np.zeros(0), np.zeros(0), ReferencePoint(3.0, 0.4)) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_an_improvement_is_the_difference_of_two_hypervolumes(seed):
    (costs, scores), reference = points(seed), ReferencePoint(10.0, 1.0)
    known = Staircase.of(costs[:-1], scores[:-1], reference)
    added = known.improvement(costs[-1:], scores[-1:, None])
    assert added[0, 0] == pytest.approx(hypervolume(costs, scores, reference) - known.hypervolume)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_expected_improvement_is_the_mean_over_draws(seed):
    (costs, scores), reference = points(seed), ReferencePoint(10.0, 1.0)
    known = Staircase.of(costs, scores, reference)
    candidates, mean = np.array([-1.0, 4.5, 9.0, 11.0]), np.array([3.0, 8.0, 2.0, 9.0])
    deviation = np.array([2.0, 1.0, 3.0, 1.0])
    draws = mean[:, None] + deviation[:, None] * np.random.default_rng(seed).standard_normal((4, 20_000))
    drawn = known.improvement(candidates, draws)
    error = drawn.std(axis=1) / np.sqrt(drawn.shape[1])
    expected = known.expected_improvement(candidates, mean, deviation)
    assert np.abs(expected - drawn.mean(axis=1)).max() <= 4.5 * error.max()
    assert expected[3] == 0  # beyond the reference point


def test_a_reference_point_lies_beyond_all():
    reference = ReferencePoint.beyond(np.array([1.0, 3.0]), np.array([0.5, 0.7]))
    assert reference.log_cost == pytest.approx(3.2)
    assert reference.score == pytest.approx(0.48)
    assert ReferencePoint.beyond(np.array([2.0]), np.array([0.5])).log_cost > 2
