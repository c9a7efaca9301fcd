"""Bootstrap confidence intervals.

References:
    Efron and Tibshirani (1993). An Introduction to the Bootstrap, section 13.3: the percentile interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class BootstrapSettings(BaseModel):
    """Settings of bootstrap intervals.

    Attributes:
        resamples: Number of resamples, each drawn with replacement.
        level: Nominal coverage of an interval, in (0, 1).
        seed: Seed of the resamples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    resamples: PositiveInt
    level: Annotated[float, Field(gt=0, lt=1)]
    seed: int


@dataclass(frozen=True)
class Estimate:
    """A statistic with its confidence interval; not-a-number where it is not defined.

    Attributes:
        value: The statistic of the data.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float


def estimate_columns(name: str, estimate: Estimate) -> dict[str, float]:
    """Columns of a table for an estimate: its value and the ends of its interval.

    >>> estimate_columns("kendall", Estimate(0.5, 0.25, 0.75))
    {'kendall': 0.5, 'kendall_low': 0.25, 'kendall_high': 0.75}
    """
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


UNDEFINED = Estimate(np.nan, np.nan, np.nan)


def bootstrap(statistic: Callable[[NDArray[np.intp]], float], n: int, settings: BootstrapSettings) -> Estimate:
    """Statistic of ``n`` candidates, with its percentile interval.

    Resamples on which the statistic is not defined (all candidates equal) are left out.

    Args:
        statistic: Function of the indices of the drawn candidates, ``(n,)``, with repetitions.
        n: Number of candidates.
        settings: Resamples, level, seed.

    >>> data = np.arange(100.0)
    >>> bootstrap(lambda drawn: data[drawn].mean(), 100, BootstrapSettings(resamples=500, level=0.95, seed=0)).value
    49.5
    """
    value = statistic(np.arange(n))
    rng = np.random.default_rng(settings.seed)
    draws = np.array([statistic(rng.integers(n, size=n)) for _ in range(settings.resamples)])
    draws = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(draws) == 0:
        return Estimate(value, np.nan, np.nan)
    tail = (1 - settings.level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))
