"""Rank agreement of low-fidelity measurements with high-fidelity ones, also given zero-cost proxies.

References:
    Kendall (1945). The treatment of ties in ranking problems. Biometrika 33: tau-b.
    Kendall (1942). Partial rank correlation. Biometrika 32; Anderson (2003). An Introduction to Multivariate
    Statistical Analysis, section 2.5: the conditional covariance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau, rankdata

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.statistics.bootstrap import UNDEFINED, BootstrapSettings, Estimate, bootstrap

FEWEST_CANDIDATES = 3
FEWEST_FOR_INTERVAL = 8
"""Fewest candidates with an interval. Below, all resamples of a good ranking are equal: of 400 samples of a normal pair
with tau 0.8, its 95 % interval has it in 47 % (n = 4), 67 % (5), 81 % (6), 90 % (7), 92 % (8) and has no width in 53,
34, 19, 10 and 8 %; with tau 0, 0.33 and 0.59 it covers in 96 % (8). ``benchmarks/evidence.py --part intervals``."""
NEGLIGIBLE = 1e-10  # rounding error of a variance of 1 that is fully explained
MOST_COUNTED = 500  # candidates; n = 100: 0.1 ms against 2.1 by sorting, 800: 12 against 3.2 (four columns, one core)


@dataclass(frozen=True)
class RankAgreement:
    """Agreement of a cheap measurement with an expensive one, over ``n`` candidates.

    Attributes:
        n: Number of candidates with both measurements.
        pearson: Pearson's linear correlation, in [-1, 1].
        kendall: Kendall's tau-b, in [-1, 1].
        spearman: Spearman's rank correlation, in [-1, 1].
        partial_kendall: Partial tau-b given the zero-cost proxies, in [-1, 1]: what the measurement adds beyond them.
            Undefined without proxies.
    """

    n: int
    pearson: Estimate
    kendall: Estimate
    spearman: Estimate
    partial_kendall: Estimate


def rank_agreement(
    cheap: ArrayLike, expensive: ArrayLike, proxies: ArrayLike | None, settings: BootstrapSettings
) -> RankAgreement:
    """Correlations of two measurements of the same candidates, with bootstrap intervals over candidates.

    Args:
        cheap: ``(n,)``.
        expensive: ``(n,)``.
        proxies: ``(n, q)``, zero-cost proxies that the partial correlation conditions on; None for none.
        settings: Settings of the bootstrap.

    Raises:
        ShapeMismatchError: If the lengths differ.

    >>> settings = BootstrapSettings(resamples=100, level=0.95, seed=0)
    >>> found = rank_agreement([0.1, 0.2, 0.3, 0.4], [0.5, 0.7, 0.6, 0.8], None, settings)
    >>> found.n, round(found.kendall.value, 2)
    (4, 0.67)
    """
    columns = [np.asarray(cheap, dtype=float), np.asarray(expensive, dtype=float)]
    if proxies is not None:
        columns += list(np.asarray(proxies, dtype=float).T)
    if any(column.shape != columns[0].shape for column in columns):
        raise ShapeMismatchError("measurements", [column.shape for column in columns], "all of one length")
    n = len(columns[0])
    if n < FEWEST_CANDIDATES:
        return RankAgreement(n, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED)
    values = np.stack(columns)
    pair, all_pairs = kendall_of(values[:2]), kendall_of(values)
    partial = UNDEFINED if proxies is None else over_candidates(lambda drawn: _partial(all_pairs(drawn)), n, settings)
    return RankAgreement(
        n=n,
        pearson=over_candidates(lambda drawn: pearson(values[0, drawn], values[1, drawn]), n, settings),
        kendall=over_candidates(lambda drawn: pair(drawn)[0, 1], n, settings),
        spearman=over_candidates(lambda drawn: spearman(values[0, drawn], values[1, drawn]), n, settings),
        partial_kendall=partial,
    )


def over_candidates(statistic: Callable[[NDArray[np.intp]], float], n: int, settings: BootstrapSettings) -> Estimate:
    """Statistic of ``n`` candidates; its interval is empty for less than ``FEWEST_FOR_INTERVAL``."""
    if n < FEWEST_FOR_INTERVAL:
        return Estimate(float(statistic(np.arange(n))), np.nan, np.nan)
    return bootstrap(statistic, n, settings)


def kendall_of(columns: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], NDArray[np.float64]]:
    """Kendall's tau-b of all pairs of columns on drawn candidates, by the faster of two algorithms.

    Args:
        columns: ``(columns, n)``.

    Returns:
        A function from drawn indices, ``(n,)`` with repetitions, to ``(columns, columns)``.
    """
    if columns.shape[1] > MOST_COUNTED:
        return lambda drawn: kendall_by_sorting(columns[:, drawn])
    first, second = np.triu_indices(columns.shape[1], k=1)
    signs = np.sign(columns[:, first] - columns[:, second])
    return lambda drawn: kendall_by_counting(signs, first, second, drawn)


def kendall_by_sorting(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-b of all pairs of columns, ``(columns, n)``, in O(n log n); not-a-number for a constant column.

    References:
        Knight (1966). A computer method for calculating Kendall's tau with ungrouped data. JASA 61.
    """
    taus = np.eye(len(columns))
    for first, second in combinations(range(len(columns)), 2):
        taus[first, second] = taus[second, first] = kendalltau(columns[first], columns[second]).statistic
    return taus


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; not a number where one of the two is constant."""
    return pearson(rankdata(first), rankdata(second))


def pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson's correlation; not a number where one of the two is constant."""
    a, b = first - first.mean(), second - second.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else np.nan


def kendall_by_counting(
    signs: NDArray[np.float64], first: NDArray[np.intp], second: NDArray[np.intp], drawn: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Kendall's tau-b of all pairs of columns on the drawn candidates, by counting pairs.

    Tau-b is the cosine of the angle between two columns of pair signs: ``<S_a, S_b> / (|S_a| |S_b|)``. A candidate that
    was drawn ``w`` times counts with weight ``w``.

    Args:
        signs: ``(columns, pairs)``: +1 where the first candidate of a pair is above the second, -1 below, 0 for a tie.
        first: ``(pairs,)``, index of the first candidate of each pair.
        second: ``(pairs,)``, index of the second one.
        drawn: ``(n,)``, indices of candidates, with repetitions.

    Returns:
        ``(columns, columns)``; not-a-number for a column without an ordered pair.
    """
    times = np.bincount(drawn, minlength=len(drawn)).astype(float)
    products = (signs * (times[first] * times[second])) @ signs.T
    lengths = np.sqrt(np.diag(products))
    with np.errstate(invalid="ignore", divide="ignore"):
        taus: NDArray[np.float64] = products / np.outer(lengths, lengths)
    return taus


def _partial(correlations: NDArray[np.float64]) -> float:
    """Partial correlation of the first two variables given the others; not-a-number where the others determine them.

    From the conditional covariance ``C_aa - C_ab C_bb^+ C_ba``: with the pseudo-inverse, variables that determine each
    other (MACs and parameters of cells) count once.

    Args:
        correlations: ``(2 + q, 2 + q)``.
    """
    if not np.isfinite(correlations).all():
        return np.nan
    first, others = correlations[:2], correlations[2:]
    left = first[:, :2] - first[:, 2:] @ np.linalg.pinv(others[:, 2:], rcond=NEGLIGIBLE, hermitian=True) @ others[:, :2]
    if min(left[0, 0], left[1, 1]) < NEGLIGIBLE:
        return np.nan
    return float(left[0, 1] / np.sqrt(left[0, 0] * left[1, 1]))
