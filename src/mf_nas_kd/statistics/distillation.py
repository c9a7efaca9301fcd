"""Low-fidelity evaluations with and without distillation: which ranks the candidates better?

References:
    Efron and Tibshirani (1993). An Introduction to the Bootstrap, section 8.6: pairs are resampled together.
    Romano and Wolf (2005). Exact and approximate stepdown methods for multiple hypothesis testing. JASA 100, section 4:
    simultaneous intervals from the largest studentised deviation (single step here).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mf_nas_kd.records import FIDELITY_COLUMNS, Fidelity
from mf_nas_kd.records.tables import completed
from mf_nas_kd.statistics.bootstrap import BootstrapSettings
from mf_nas_kd.statistics.conditioning import Floats
from mf_nas_kd.statistics.correlation import FEWEST_FOR_INTERVAL

COMPARISON_COLUMNS = (
    *FIDELITY_COLUMNS, "n", "plain", "distilled", "difference", "difference_low", "difference_high", "p_value"
)  # fmt: skip

PAIRS_AT_ONCE = 20_000_000
"""Resamples are made in blocks of about so many weights of pairs."""


@dataclass(frozen=True)
class _Pair:
    """A distilled fidelity and the plain one that differs from it in nothing else."""

    fidelity: pd.Series
    plain: Floats
    distilled: Floats


def distillation_comparison(low: pd.DataFrame, full: pd.DataFrame, settings: BootstrapSettings) -> pd.DataFrame:
    """Difference of Kendall's tau between distilled and plain low fidelities that differ in nothing else.

    Candidates are resampled for all fidelities together. Intervals are simultaneous over all comparisons, and p values
    are family-wise and two-sided: both from the largest deviation, in standard errors, over the comparisons.

    Args:
        low: Finished low-fidelity evaluations: ``architecture_id``, the columns of a fidelity, ``val_score``.
        full: Finished high-fidelity evaluations, one an architecture: ``architecture_id``, ``test_score``.
        settings: Resamples, level and seed of the bootstrap.

    Returns:
        One row a distilled fidelity that has a plain counterpart, with the columns ``COMPARISON_COLUMNS``: ``n``
        candidates that have both; Kendall's tau-b ``plain`` and ``distilled`` with the test score at the target
        fidelity; ``difference``, distilled minus plain. Interval and p value are empty for less than
        ``FEWEST_FOR_INTERVAL`` candidates.
    """
    high = full.set_index("architecture_id")["test_score"]
    pairs = list(_pairs(completed(low, Fidelity), high.index))
    if not pairs:
        return pd.DataFrame(columns=list(COMPARISON_COLUMNS))
    terms = [_terms(each, high.to_numpy(dtype=float)) for each in pairs]
    taus = _taus(np.ones((1, len(high))), terms)[0]
    drawn = _resampled(len(high), terms, settings)
    n = np.array([int(np.isfinite(each.plain + each.distilled).sum()) for each in pairs])
    difference = taus[:, 1] - taus[:, 0]
    half, p_values = _simultaneous(difference, drawn[..., 1] - drawn[..., 0], n >= FEWEST_FOR_INTERVAL, settings.level)
    numbers = {
        "n": n, "plain": taus[:, 0], "distilled": taus[:, 1], "difference": difference,
        "difference_low": difference - half, "difference_high": difference + half, "p_value": p_values,
    }  # fmt: skip
    fidelities = pd.DataFrame([each.fidelity for each in pairs]).reset_index(drop=True)
    return pd.concat([fidelities, pd.DataFrame(numbers)], axis=1)[list(COMPARISON_COLUMNS)]


def _pairs(low: pd.DataFrame, candidates: pd.Index) -> Iterator[_Pair]:
    same = [name for name in FIDELITY_COLUMNS if name != "distillation"]
    for _, rows in low.groupby(same, dropna=False):
        accuracies = rows.pivot(index="architecture_id", columns="distillation", values="val_score")
        accuracies = accuracies.reindex(candidates).astype(float)
        firsts = {row["distillation"]: row[list(FIDELITY_COLUMNS)] for _, row in rows.iterrows()}
        for name in accuracies.columns.drop("none", errors="ignore") if "none" in accuracies else ():
            yield _Pair(firsts[name], accuracies["none"].to_numpy(), accuracies[name].to_numpy())


def _terms(pair: _Pair, high: Floats) -> Floats:
    """What is added up over pairs of candidates for the two taus, ``(pairs, 5)``."""
    first, second = np.triu_indices(len(high), k=1)
    known = np.isfinite(pair.plain + pair.distilled + high)
    columns = np.where(known, np.stack([pair.plain, pair.distilled, high]), 0.0)
    plain, distilled, target = np.sign(columns[:, first] - columns[:, second]) * (known[first] & known[second])
    return np.stack([plain * target, distilled * target, plain**2, distilled**2, target**2], axis=1)


def _taus(times: Floats, terms: list[Floats]) -> Floats:
    """Tau-b of plain and distilled, ``(resamples, comparisons, 2)``.

    Args:
        times: ``(resamples, n)``, how often each candidate was drawn.
        terms: ``(pairs, 5)`` of each comparison.
    """
    first, second = np.triu_indices(times.shape[1], k=1)
    sums = (times[:, first] * times[:, second]) @ np.concatenate(terms, axis=1)
    sums = sums.reshape(len(times), len(terms), 5)
    with np.errstate(invalid="ignore", divide="ignore"):
        taus: Floats = sums[..., :2] / np.sqrt(sums[..., 2:4] * sums[..., 4:])
    return taus


def _resampled(n: int, terms: list[Floats], settings: BootstrapSettings) -> Floats:
    rng = np.random.default_rng(settings.seed)
    times = rng.multinomial(n, np.full(n, 1 / n), size=settings.resamples).astype(float)
    at_once = max(1, PAIRS_AT_ONCE // max(1, n * (n - 1) // 2))
    blocks = (times[start : start + at_once] for start in range(0, len(times), at_once))
    return np.concatenate([_taus(block, terms) for block in blocks])


def _simultaneous(value: Floats, drawn: Floats, enough: NDArray[np.bool_], level: float) -> tuple[Floats, Floats]:
    """Half widths of simultaneous intervals, and family-wise p values, ``(comparisons,)`` each; empty where undefined.

    Args:
        value: ``(comparisons,)``.
        drawn: ``(resamples, comparisons)``.
        enough: ``(comparisons,)``, whether there are enough candidates for an interval.
        level: Coverage of all intervals together.
    """
    error = np.where(enough, _deviation(drawn), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviations, observed = np.abs(drawn - value) / error, np.abs(value) / error
    largest = np.where(np.isfinite(deviations), deviations, 0.0).max(axis=1)
    p_values = (1 + (largest[:, None] >= observed).sum(axis=0)) / (1 + len(largest))
    return np.quantile(largest, level) * error, np.where(np.isfinite(observed), p_values, np.nan)


def _deviation(drawn: Floats) -> Floats:
    """Standard deviation over the resamples in which a difference is defined; not a number where it is zero."""
    deviations = np.array([each[np.isfinite(each)].std() if np.isfinite(each).any() else 0.0 for each in drawn.T])
    return np.where(deviations > 0, deviations, np.nan)
