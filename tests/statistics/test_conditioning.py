import numpy as np
import pytest
from scipy.stats import norm

from mf_nas_kd.statistics.conditioning import curves, neighbourhoods, normal_scores, permutations_within, residuals


def test_normal_scores_are_quantiles_of_the_ranks_and_ties_share_one():
    expected = norm.ppf((np.array([1.5, 1.5, 3.0]) - 0.375) / 3.25)
    np.testing.assert_allclose(normal_scores(np.array([5.0, 5.0, 9.0])), expected)


def test_curves_explain_powers_and_count_a_proxy_once():
    scores = np.random.default_rng(0).normal(size=(20, 1))
    basis = curves(np.hstack([scores, -2 * scores]), degree=2)
    assert basis.shape == (20, 3)
    np.testing.assert_allclose(residuals(np.hstack([1 + scores, scores**2]), basis), 0, atol=1e-12)
    assert np.abs(residuals(scores**3, basis)).max() > 0.1


@pytest.mark.parametrize("n", [1, 3, 4, 7, 8, 23, 40])
def test_groups_of_neighbours_have_at_least_so_many_and_lie_side_by_side(n):
    scores = np.random.default_rng(0).normal(size=(n, 1))
    groups = neighbourhoods(scores, 4)
    sizes = np.bincount(groups)
    assert sizes.min() >= min(n, 4)
    assert sizes.max() <= 7
    in_order = groups[np.argsort(scores[:, 0])]
    assert (np.diff(in_order) != 0).sum() == len(sizes) - 1


def test_permutations_stay_within_their_groups():
    groups = np.array([1, 0, 1, 2, 0, 1])
    drawn = permutations_within(groups, 200, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.arange(6), (200, 1)))
    assert (groups[drawn] == groups).all()
    assert {tuple(row[[0, 2, 5]]) for row in drawn} == {
        (0, 2, 5),
        (0, 5, 2),
        (2, 0, 5),
        (2, 5, 0),
        (5, 0, 2),
        (5, 2, 0),
    }
