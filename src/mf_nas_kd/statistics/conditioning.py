"""Holding zero-cost proxies fixed: normal scores, curves of the proxies, and neighbours in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

Floats = NDArray[np.float64]

COLLINEAR = 1e-8
"""Directions with less than this part of the largest singular value are determined by the others."""


def normal_scores(values: Floats) -> Floats:
    """Normal scores of each column, ``(n, columns)`` or ``(n,)``; candidates that are equal have equal scores.

    References:
        Blom (1958). Statistical Estimates and Transformed Beta-Variables: the quantile of ``(rank - 3/8) / (n + 1/4)``.

    >>> normal_scores(np.array([3.0, 1.0, 2.0])).round(2).tolist()
    [0.87, -0.87, 0.0]
    """
    scores: Floats = ndtri((rankdata(values, axis=0) - 0.375) / (len(values) + 0.25))
    return scores


def curves(scores: Floats, degree: int) -> Floats:
    """Orthonormal basis of a constant and the powers of each proxy up to a degree.

    Args:
        scores: ``(n, q)``, normal scores of the proxies.
        degree: Highest power, at least 1.

    Returns:
        ``(n, rank)``; proxies that determine each other count once.
    """
    powers = [scores**power for power in range(1, degree + 1)]
    basis, singular, _ = np.linalg.svd(np.column_stack([np.ones(len(scores)), *powers]), full_matrices=False)
    kept: Floats = basis[:, singular > COLLINEAR * singular[0]]
    return kept


def residuals(values: Floats, basis: Floats) -> Floats:
    """What an orthonormal basis does not explain of each column, ``(n, columns)`` or ``(n,)``."""
    left: Floats = values - basis @ (basis.T @ values)
    return left


def neighbourhoods(scores: Floats, size: int) -> NDArray[np.intp]:
    """Groups of candidates with similar proxies: halves of halves, along one proxy after the other.

    Args:
        scores: ``(n, q)``, the proxies.
        size: Least number of candidates in a group, at least 1.

    Returns:
        ``(n,)``, the group of each candidate: of ``size`` to ``2 * size - 1`` of them, or all in one if they are less.

    >>> neighbourhoods(np.array([[1.0], [4.0], [2.0], [3.0]]), 2).tolist()
    [0, 1, 0, 1]
    """
    groups = np.zeros(len(scores), dtype=np.intp)
    for number, members in enumerate(_halves(scores, np.arange(len(scores)), size, depth=0)):
        groups[members] = number
    return groups


def _halves(scores: Floats, members: NDArray[np.intp], size: int, depth: int) -> list[NDArray[np.intp]]:
    if len(members) < 2 * size:
        return [members]
    proxy = scores[members, depth % scores.shape[1]]
    ordered = members[np.argsort(proxy, kind="stable")]
    middle = len(members) // 2
    return [
        *_halves(scores, ordered[:middle], size, depth + 1),
        *_halves(scores, ordered[middle:], size, depth + 1),
    ]


def permutations_within(groups: NDArray[np.intp], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Random permutations of the candidates of each group, ``(count, n)``."""
    ordered = np.argsort(groups, kind="stable")
    drawn = np.argsort(groups + rng.random((count, len(groups))), axis=1)
    permutations = np.empty_like(drawn)
    permutations[:, ordered] = drawn
    return permutations
