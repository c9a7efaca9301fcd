import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.statistics.bootstrap import BootstrapSettings, Estimate, bootstrap, estimate_columns

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30).map(np.array)


def settings(resamples=100, level=0.9, seed=0):
    return BootstrapSettings(resamples=resamples, level=level, seed=seed)


@given(VALUES, st.floats(0.05, 0.95), st.integers(0, 2**32))
def test_an_interval_of_the_mean_lies_within_the_values_and_grows_with_its_level(values, level, seed):
    def mean(chosen):
        return float(values[chosen].mean())

    found = bootstrap(mean, len(values), settings(level=level, seed=seed))
    wider = bootstrap(mean, len(values), settings(level=(1 + level) / 2, seed=seed))
    assert found.value == mean(np.arange(len(values)))
    rounding = 1e-9 * np.abs(values).max() + 1e-12
    assert values.min() - rounding <= wider.low <= found.low + rounding
    assert found.low <= found.high <= wider.high + rounding <= values.max() + 2 * rounding
    assert found == bootstrap(mean, len(values), settings(level=level, seed=seed))


@given(VALUES, st.floats(0.1, 10), st.floats(-100, 100))
def test_an_interval_moves_and_scales_with_the_values(values, scale, shift):
    found = bootstrap(lambda chosen: float(values[chosen].mean()), len(values), settings())
    moved = bootstrap(lambda chosen: float((scale * values + shift)[chosen].mean()), len(values), settings())
    expected = np.array([found.value, found.low, found.high]) * scale + shift
    size = np.abs(values).max() * scale + abs(shift) + 1
    np.testing.assert_allclose([moved.value, moved.low, moved.high], expected, atol=1e-9 * size)


def test_the_ends_are_the_percentiles_of_the_resamples():
    values, rng = np.arange(10.0), np.random.default_rng(3)
    draws = [values[rng.integers(10, size=10)].mean() for _ in range(50)]
    found = bootstrap(lambda chosen: float(values[chosen].mean()), 10, settings(50, 0.8, seed=3))
    assert (found.low, found.high) == pytest.approx(np.quantile(draws, [0.1, 0.9]), abs=1e-12)


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says():
    """200 samples of 40 normal numbers, level 0.9: three standard errors around it, more below: it is a bit too narrow."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(200, 40))
    intervals = [bootstrap(lambda chosen, s=s: float(s[chosen].mean()), 40, settings(200)) for s in samples]
    assert 0.82 < np.mean([interval.low <= 0 <= interval.high for interval in intervals]) < 0.96


def test_resamples_without_a_value_are_left_out():
    """The share of ones among pairs is not defined where only one candidate was drawn, every time."""
    found = bootstrap(lambda chosen: np.nan if len(set(chosen)) == 1 else float(np.mean(chosen)), 2, settings())
    assert found == Estimate(0.5, 0.5, 0.5)


def test_what_is_not_defined_has_no_interval():
    undefined = bootstrap(lambda chosen: np.nan, 5, settings())
    assert np.isnan([undefined.value, undefined.low, undefined.high]).all()
    only_as_it_is = bootstrap(lambda c: 1.0 if c.tolist() == [0, 1, 2, 3, 4, 5, 6, 7] else np.nan, 8, settings())
    assert only_as_it_is.value == 1
    assert np.isnan([only_as_it_is.low, only_as_it_is.high]).all()


def test_columns_have_the_name_of_the_statistic():
    assert estimate_columns("kendall", Estimate(0.5, 0.4, 0.6)) == {
        "kendall": 0.5,
        "kendall_low": 0.4,
        "kendall_high": 0.6,
    }
