"""Savings are paired over seeds."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mf_nas_kd.statistics.savings import paired_saving

WITH, WITHOUT = pd.Series([8.0, 30.0, 55.0]), pd.Series([10.0, 40.0, 70.0])


def test_the_saving_is_that_of_each_seed_and_not_of_two_samples():
    found = paired_saving(WITH, WITHOUT, 0.95)
    difference = np.array([2.0, 10.0, 15.0])
    assert found.seconds == pytest.approx(9)
    assert found.seconds_standard_error == pytest.approx(difference.std(ddof=1) / math.sqrt(3))
    expected = stats.ttest_rel(WITHOUT, WITH).confidence_interval(0.95)
    assert (found.seconds_low, found.seconds_high) == pytest.approx((expected.low, expected.high))
    assert found.percent == pytest.approx(100 * 9 / 40)


def test_the_error_of_the_percentage_is_that_of_a_ratio_of_means():
    """Against the jackknife, which is another way to it."""
    rng = np.random.default_rng(0)
    without = pd.Series(rng.gamma(9, 10, size=400))
    saved = pd.Series(0.7 * without + rng.normal(0, 5, size=400))
    left_out = [1 - saved.drop(i).mean() / without.drop(i).mean() for i in range(400)]
    jackknife = 100 * np.sqrt(399 / 400 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    assert paired_saving(saved, without, 0.95).percent_standard_error == pytest.approx(jackknife, rel=0.02)


def test_one_seed_has_no_error_and_a_missed_goal_no_mean():
    one = paired_saving(WITH[:1], WITHOUT[:1], 0.95)
    assert one.seconds == 2
    assert math.isnan(one.seconds_standard_error)
    assert math.isnan(one.seconds_low)
    missed = paired_saving(pd.Series([8.0, math.nan]), WITHOUT[:2], 0.95)
    assert math.isnan(missed.seconds)
    assert math.isnan(missed.percent)
