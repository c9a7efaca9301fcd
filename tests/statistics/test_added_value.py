"""The test of added value keeps its level on simulated studies, and finds what is there."""

import numpy as np
import pytest
from benchmarks.simulated_studies import CURVES, NULLS, with_added_value
from scipy.stats import binom

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.statistics import AddedValueSettings
from mf_nas_kd.statistics.added_value import added_value, detectable_partial

SETTINGS = AddedValueSettings(permutations=199, level=0.05, power=0.8)
SETS = 200


def smallest_p(study, seed):
    return np.nanmin(added_value(study.low, study.high, study.proxies, SETTINGS, seed).p_value)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("kind", [kind for kind in NULLS if kind != "broken_if_small"])
def test_where_nothing_is_added_claims_are_rare(kind, curve):
    """Short form of benchmarks/evidence.py: with a rate of 5 %, one run in 1,000 has more."""
    rng = np.random.default_rng([7, list(NULLS).index(kind), list(CURVES).index(curve)])
    claims = sum(smallest_p(NULLS[kind](24, curve, rng), seed) <= SETTINGS.level for seed in range(SETS))
    assert claims <= binom.ppf(0.999, SETS, SETTINGS.level)


def test_what_one_of_fifteen_fidelities_adds_is_found():
    """Semi-partial correlation 0.5, 40 candidates, proxies that explain half of the variance: wanted are 60 %."""
    rng, found = np.random.default_rng(0), 0
    for seed in range(100):
        study = with_added_value(40, 0.5, 0.5, rng)
        found += added_value(study.low, study.high, study.proxies, SETTINGS, seed).p_value[0] <= SETTINGS.level
    assert found >= 60


def test_the_p_value_counts_all_fidelities_that_were_looked_at():
    """The same fidelity is less certain among others, and the smallest p value is that of the largest statistic."""
    study = with_added_value(40, 0.35, 0.5, np.random.default_rng(3))
    among = added_value(study.low, study.high, study.proxies, SETTINGS, 0)
    alone = added_value(study.low[:, :1], study.high, study.proxies, SETTINGS, 0)
    assert among.statistic[0] == pytest.approx(alone.statistic[0])
    assert among.p_value[0] > alone.p_value[0]
    assert among.detectable[0] > alone.detectable[0]


def test_the_statistic_is_the_semi_partial_correlation():
    """A fidelity that equals the target adds what the proxies leave of it; its opposite adds nothing."""
    study = with_added_value(60, 0.0, 0.5, np.random.default_rng(0))
    found = added_value(np.stack([study.high, -study.high], 1), study.high, study.proxies, SETTINGS, 0)
    assert found.statistic[0] == pytest.approx(-found.statistic[1])
    assert 0.5 < found.statistic[0] < 0.85
    assert found.p_value[0] == 1 / (1 + SETTINGS.permutations)
    assert found.p_value[1] == 1


def test_failed_evaluations_do_not_break_it():
    study = with_added_value(40, 0.6, 0.5, np.random.default_rng(1))
    low, high = study.low.copy(), study.high.copy()
    low[:5, 0], low[3:9, 1], low[:, 2], low[:, 3], low[6:, 4], high[0] = np.nan, np.nan, np.nan, 0.5, np.nan, np.nan
    found = added_value(low, high, study.proxies, SETTINGS, 0)
    assert found.p_value[0] <= 0.05
    for values in (found.statistic, found.p_value, found.detectable):
        assert np.isnan(values[[2, 3, 4]]).all()
        assert np.isfinite(np.delete(values, [2, 3, 4])).all()


@pytest.mark.parametrize("n", [0, 1, 4, 8, 10])
def test_few_candidates_detect_nothing(n):
    study = with_added_value(max(n, 5), 0.6, 0.5, np.random.default_rng(0))
    found = added_value(study.low[:n], study.high[:n], study.proxies[:n], SETTINGS, 0)
    assert np.isnan(found.detectable).all()


def test_more_candidates_detect_less():
    sizes = []
    for n in (24, 40, 100):
        study = with_added_value(n, 0.0, 0.0, np.random.default_rng(0))
        sizes.append(added_value(study.low, study.high, study.proxies, SETTINGS, 0).detectable[0])
    assert 0.9 > sizes[0] > sizes[1] > sizes[2] > 0.2


def test_fishers_transformation_by_hand():
    """Critical correlation 0.5 of 30 candidates, 28 degrees of freedom: tanh(0.5493 + 0.8416 / sqrt(26))."""
    critical = np.sqrt(30) * 0.5 / np.sqrt(0.75)
    assert detectable_partial(critical, np.array([30.0]), np.array([28.0]), 0.8) == pytest.approx(0.6134, abs=1e-4)
    assert np.isnan(detectable_partial(critical, np.array([30.0]), np.array([2.0]), 0.8)).all()


def test_the_same_seed_gives_the_same_and_accuracies_count_by_their_order():
    study = with_added_value(30, 0.5, 0.5, np.random.default_rng(0))
    first, again, other = (
        added_value(low, study.high, study.proxies, SETTINGS, seed)
        for low, seed in ((study.low, 0), (np.exp(study.low), 0), (study.low, 1))
    )
    np.testing.assert_array_equal(first.p_value, again.p_value)
    assert (first.p_value != other.p_value).any()


def test_lengths_must_agree():
    with pytest.raises(ShapeMismatchError, match="candidates is .* must be the same number in all"):
        added_value(np.zeros((3, 1)), np.zeros(4), np.zeros((4, 1)), SETTINGS, 0)
