"""Bootstrap intervals.

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
    """How intervals are made.

    Attributes:
        resamples: How often the candidates are drawn again, with replacement.
        level: Coverage of an interval, in (0, 1).
        seed: Of the draws.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    resamples: PositiveInt
    level: Annotated[float, Field(gt=0, lt=1)]
    seed: int


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; not-a-number where it is not defined.

    Attributes:
        value: On the data as they are.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def estimate_columns(name: str, estimate: Estimate) -> dict[str, float]:
    """Of a table: ``kendall``, ``kendall_low``, ``kendall_high``."""
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


UNDEFINED = Estimate(np.nan, np.nan, np.nan)


def bootstrap(statistic: Callable[[NDArray[np.intp]], float], n: int, settings: BootstrapSettings) -> Estimate:
    """Percentile interval of a statistic of ``n`` candidates.

    Resamples on which the statistic is not defined (all candidates equal) are left out.

    Args:
        statistic: Takes the indices of the candidates to use, ``(n,)``, with repetitions.
        n: Candidates.
        settings: Resamples, level, seed.
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
