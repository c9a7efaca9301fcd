"""Added value of low fidelities: what they tell of high-fidelity accuracies beyond zero-cost proxies.

The test asks of all low fidelities together whether their ranking adds to that of the proxies. Accuracies are replaced
by normal scores. What curves of the proxies explain is taken from both sides; the residuals of the high-fidelity
accuracies are permuted, by the same permutation for all low fidelities, and the largest statistic of each permutation
makes the p value family-wise.

References:
    Freedman and Lane (1983). A nonstochastic interpretation of reported significance levels. Journal of Business &
    Economic Statistics 1(4): permuted residuals.
    Westfall and Young (1993). Resampling-Based Multiple Testing, section 2.6: the single-step maximum statistic.
    DiCiccio and Romano (2017). Robust permutation tests for correlation and regression coefficients. JASA 112, section
    3: a statistic with a standard error that holds for unequal variances.
    Berrett, Wang, Barber and Samworth (2020). The conditional permutation test for independence while controlling for
    confounders. JRSS B 82: candidates are exchanged with candidates of similar proxies. We use fixed groups instead of
    estimated densities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.statistics.conditioning import Floats, normal_scores, permutations_within
from mf_nas_kd.statistics.residual_test import Adjustment, ResidualTest
from mf_nas_kd.statistics.settings import AddedValueSettings

LARGEST_PLAUSIBLE = 0.9
"""A partial correlation that two measurements with noise do not exceed: if only larger ones are found, nothing is."""

NUMBERS_AT_ONCE = 4_000_000
"""Permutations are made in blocks of about so many numbers, so that many candidates need no more memory."""


@dataclass(frozen=True)
class AddedValue:
    """Added value of ``k`` low fidelities; not-a-number where it is not defined.

    Attributes:
        statistic: ``(k,)``, semi-partial correlation, in [-1, 1]: the correlation of the normal scores of high-fidelity
            accuracies with those of the low fidelity, from which the proxies' curves are taken.
        p_value: ``(k,)``, family-wise and one-sided, in (0, 1].
        detectable: ``(k,)``, smallest semi-partial correlation that is found with the power of the settings; not a
            number where that takes a partial correlation above ``LARGEST_PLAUSIBLE``.
    """

    statistic: Floats
    p_value: Floats
    detectable: Floats


def added_value(
    low: ArrayLike, high: ArrayLike, proxies: ArrayLike, settings: AddedValueSettings, seed: int
) -> AddedValue:
    """Test whether low fidelities add to zero-cost proxies, with a family-wise level over all of them.

    A claim has to hold in every :func:`adjustments`: the p value is the largest of theirs, and so is ``detectable``.
    No single way of holding two proxies fixed keeps the level for curves, steps and unequal variances alike
    (``benchmarks/evidence.py``).

    Args:
        low: ``(n, k)``, accuracies of ``n`` candidates at ``k`` low fidelities; not a number where one is missing.
        high: ``(n,)``, accuracies at the target fidelity; candidates without one are left out.
        proxies: ``(n, q)``, zero-cost proxies, at least one.
        settings: Permutations, level, power.
        seed: Seed of the permutations.

    Raises:
        ShapeMismatchError: If the numbers of candidates differ.

    >>> rng = np.random.default_rng(0)
    >>> macs, noise = rng.normal(size=40), rng.normal(size=40)
    >>> low = np.stack([macs + noise, macs + rng.normal(size=40)], axis=1)
    >>> settings = AddedValueSettings(permutations=199, level=0.05, power=0.8)
    >>> found = added_value(low, macs + noise, macs[:, None], settings, seed=0)
    >>> found.p_value[0] <= 0.05, found.p_value[1] > 0.05
    (np.True_, np.True_)
    """
    x, y, z = (np.asarray(values, dtype=float) for values in (low, high, proxies))
    if not len(x) == len(y) == len(z):
        raise ShapeMismatchError("candidates", [len(x), len(y), len(z)], "the same number in all")
    known = np.isfinite(y)
    if not known.any():
        return AddedValue(*np.full((3, x.shape[1]), np.nan))
    x, y, scores = x[known], normal_scores(y[known]), normal_scores(z[known])
    tests = [ResidualTest(x, y, scores, adjustment) for adjustment in adjustments(scores.shape[1])]
    all_find_it = 1 - (1 - settings.power) / len(tests)  # Bonferroni
    each = settings.model_copy(update={"power": all_find_it})
    results = [_result(test, each, np.random.default_rng(seed)) for test in tests]
    p_values, detectable = (np.stack(parts).max(axis=0) for parts in zip(*results, strict=True))
    return AddedValue(tests[0].semi_partial(), p_values, detectable)


def _result(test: ResidualTest, settings: AddedValueSettings, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Family-wise p values and smallest detectable semi-partial correlations of one adjustment, ``(k,)`` each."""
    observed = test.statistics(np.arange(len(test.left))[None])[0]
    permuted = _permuted_statistics(test, settings, rng)
    above = (_largest(permuted)[:, None] >= observed - 1e-9).sum(axis=0)
    p_values = np.where(np.isfinite(observed), (1 + above) / (1 + len(permuted)), np.nan)
    return p_values, np.where(np.isfinite(observed), _detectable(test, permuted, settings), np.nan)


def _detectable(test: ResidualTest, permuted: Floats, settings: AddedValueSettings) -> Floats:
    """Smallest detectable semi-partial correlations, ``(k,)``.

    What lies between the groups is the same in all permutations: it shifts the statistics, and only the rest of their
    variance finds anything. So the critical value is that of standardised statistics, for as many candidates as this
    variance stands for.
    """
    mean, variance = permuted.mean(axis=0), permuted.var(axis=0)
    usable = np.where(variance > 0, variance, np.nan)
    if not np.isfinite(usable).any():
        return np.full(test.k, np.nan)
    critical = np.quantile(_largest((permuted - mean) / np.sqrt(usable)), 1 - settings.level)
    n, freedom = test.sizes()
    counted = np.minimum(usable * freedom / n, 1.0)
    partial = detectable_partial(float(critical), n * counted, freedom * counted, settings.power)
    return partial * test.unexplained()


def detectable_partial(critical: float, n: Floats, freedom: Floats, power: float) -> Floats:
    """Smallest partial correlation that exceeds a critical value with some power, by Fisher's transformation.

    Args:
        critical: Critical value of ``r sqrt(n / (1 - r^2))``.
        n: Number of candidates.
        freedom: Number of candidates less the number of columns of the proxies' curves.
        power: Wanted power.

    Returns:
        Not a number above ``LARGEST_PLAUSIBLE``, and where no freedom is left.

    References:
        Fisher (1924). The distribution of the partial correlation coefficient. Metron 3: variance ``1 / (n - q - 3)``.
    """
    if not np.isfinite(critical):
        return np.full(np.shape(n), np.nan)
    enough = np.where(freedom > 2, freedom - 2, np.nan)
    needed = np.arctanh(critical / np.sqrt(np.where(n > 0, n, np.nan) + critical**2))
    found = np.tanh(needed + ndtri(power) / np.sqrt(enough))
    return np.where(found <= LARGEST_PLAUSIBLE, found, np.nan)


def _largest(statistics: Floats) -> Floats:
    """Largest statistic over the low fidelities of each permutation, ``(permutations,)``."""
    largest: Floats = np.where(np.isfinite(statistics), statistics, -np.inf).max(axis=1)
    return largest


def _permuted_statistics(test: ResidualTest, settings: AddedValueSettings, rng: np.random.Generator) -> Floats:
    """Statistics of the low fidelities in each permutation, ``(permutations, k)``."""
    at_once = max(1, NUMBERS_AT_ONCE // max(1, len(test.left)))
    counts = [min(at_once, settings.permutations - made) for made in range(0, settings.permutations, at_once)]
    return np.concatenate([test.statistics(permutations_within(test.groups, count, rng)) for count in counts])


def adjustments(proxies: int) -> list[Adjustment]:
    """Ways of holding a number of proxies fixed: with neighbours in all of them, and with neighbours in each alone."""
    return [Adjustment(3, tuple(range(proxies))), *(Adjustment(2, (each,)) for each in range(proxies))]
