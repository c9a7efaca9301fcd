"""Does a cheap measurement order candidates as the expensive one does, and beyond what comes for free?

References:
    Kendall (1945). The treatment of ties in ranking problems. Biometrika 33: tau-b.
    Kendall (1942). Partial rank correlation. Biometrika 32; Whittaker (1990). Graphical Models, eq. 5.8.3: the partial
    correlation from the inverse of the correlation matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.statistics.bootstrap import UNDEFINED, BootstrapSettings, Estimate, bootstrap

FEWEST_CANDIDATES = 3


@dataclass(frozen=True)
class RankAgreement:
    """Agreement of a cheap measurement with the expensive one, over ``n`` candidates.

    Attributes:
        n: Candidates with both.
        pearson: Linear correlation.
        kendall: Tau-b, the excess of rightly over wrongly ordered pairs.
        spearman: Correlation of ranks.
        partial_kendall: Tau-b given the free predictors: what the measurement adds beyond them. Undefined without free
            predictors.
    """

    n: int
    pearson: Estimate
    kendall: Estimate
    spearman: Estimate
    partial_kendall: Estimate


def rank_agreement(
    cheap: ArrayLike, expensive: ArrayLike, free: ArrayLike | None, settings: BootstrapSettings
) -> RankAgreement:
    """Correlations of two measurements of the same candidates, with bootstrap intervals over candidates.

    Args:
        cheap: ``(n,)``.
        expensive: ``(n,)``.
        free: ``(n, p)``, free predictors that are held fixed in the partial correlation; None for none.
        settings: Of the bootstrap.

    Raises:
        ShapeMismatchError: If the lengths differ.
    """
    columns = [np.asarray(cheap, dtype=float), np.asarray(expensive, dtype=float)]
    if free is not None:
        columns += list(np.asarray(free, dtype=float).T)
    if any(column.shape != columns[0].shape for column in columns):
        raise ShapeMismatchError("measurements", [column.shape for column in columns], "all of one length")
    n = len(columns[0])
    if n < FEWEST_CANDIDATES:
        return RankAgreement(n, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED)
    values, ranks = np.stack(columns), np.stack([rankdata(column) for column in columns])
    signs = np.stack([pair_signs(column) for column in columns])
    return RankAgreement(
        n=n,
        pearson=bootstrap(lambda drawn: _pearson(values[0, drawn], values[1, drawn]), n, settings),
        kendall=bootstrap(lambda drawn: _kendall_matrix(signs[:2], drawn)[0, 1], n, settings),
        spearman=bootstrap(lambda drawn: _pearson(rankdata(ranks[0, drawn]), rankdata(ranks[1, drawn])), n, settings),
        partial_kendall=UNDEFINED
        if free is None
        else bootstrap(lambda drawn: _partial(_kendall_matrix(signs, drawn)), n, settings),
    )


def pair_signs(column: NDArray[np.floating]) -> NDArray[np.floating]:
    """``(n, n)``: +1 where the row's candidate is above the column's, -1 below, 0 for a tie."""
    return np.sign(column[:, None] - column[None, :])


def _pearson(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    a, b = first - first.mean(), second - second.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else np.nan


def _kendall_matrix(signs: NDArray[np.floating], drawn: NDArray[np.intp]) -> NDArray[np.floating]:
    """Tau-b of all pairs of columns, on the drawn candidates.

    Tau-b is the cosine of the angle between two columns of pair signs: ``<S_a, S_b> / (|S_a| |S_b|)``.

    Args:
        signs: ``(columns, n, n)``.
        drawn: ``(n,)``, indices with repetitions. A candidate that was drawn ``w`` times counts with weight ``w``.
    """
    weight = np.bincount(drawn, minlength=signs.shape[1]).astype(float)
    flat = (signs * np.sqrt(np.outer(weight, weight))).reshape(len(signs), -1)
    products = flat @ flat.T
    lengths = np.sqrt(np.diag(products))
    with np.errstate(invalid="ignore", divide="ignore"):
        return products / np.outer(lengths, lengths)


def _partial(correlations: NDArray[np.floating]) -> float:
    """Partial correlation of the first two columns given the others; undefined where the others determine them."""
    if not np.isfinite(correlations).all() or np.linalg.cond(correlations) > 1e10:
        return np.nan
    precision = np.linalg.inv(correlations)
    scale = precision[0, 0] * precision[1, 1]
    return float(-precision[0, 1] / np.sqrt(scale)) if scale > 0 else np.nan
