"""Savings: costs of the same searches with and without something, paired over seeds.

References:
    Cochran (1977). Sampling Techniques, section 6.3: the standard error of a ratio of two means, to first order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True)
class Saving:
    """Mean saving over seeds; below zero for a loss, not-a-number where a search missed its goal.

    Attributes:
        seconds: Mean cost without minus mean cost with, in seconds.
        seconds_standard_error: Its standard error over seeds, paired; not-a-number for one seed.
        seconds_low: Lower end of its interval by the t distribution.
        seconds_high: Upper end.
        percent: The same in per cent of the mean cost without.
        percent_standard_error: Its standard error over seeds, paired.
    """

    seconds: float
    seconds_standard_error: float
    seconds_low: float
    seconds_high: float
    percent: float
    percent_standard_error: float


def paired_saving(costs_with: pd.Series, costs_without: pd.Series, level: float) -> Saving:
    """Mean saving over seeds, with standard errors of paired differences.

    Args:
        costs_with: ``(seeds,)``, costs in seconds, with the seed as index.
        costs_without: Likewise, of the same seeds.
        level: Nominal coverage of the interval, in (0, 1).

    >>> saving = paired_saving(pd.Series([8.0, 6.0]), pd.Series([10.0, 10.0]), 0.95)
    >>> saving.seconds, saving.seconds_standard_error, saving.percent, saving.percent_standard_error
    (3.0, 1.0, 30.0, 10.0)
    """
    difference = costs_without - costs_with
    seconds, error = over_seeds(difference)
    (own, _), (mean, _) = over_seeds(costs_with), over_seeds(costs_without)
    ratio = own / mean
    _, ratio_error = over_seeds((costs_with - ratio * costs_without) / mean)
    half = error * float(stats.t.ppf((1 + level) / 2, len(difference) - 1)) if len(difference) > 1 else np.nan
    return Saving(seconds, error, seconds - half, seconds + half, 100 * seconds / mean, 100 * ratio_error)


def over_seeds(values: pd.Series) -> tuple[float, float]:
    """Mean and standard error over seeds; a missing value makes both missing, as a mean of the others is biased."""
    return float(values.mean(skipna=False)), np.asarray(values.sem(skipna=False), dtype=float).item()
