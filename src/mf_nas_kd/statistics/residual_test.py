"""Regression of high-fidelity on low-fidelity accuracies, both without what curves of the proxies explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.statistics.conditioning import Floats, curves, neighbourhoods, normal_scores, residuals

NEIGHBOURS = 4
"""Least number of candidates in a group within which residuals are permuted."""

NEGLIGIBLE = 1e-6
"""Length of residuals that are rounding errors."""


@dataclass(frozen=True)
class Adjustment:
    """One way of holding proxies fixed.

    Attributes:
        degree: Highest power of each proxy in the curves that are taken from both sides.
        neighbours_in: Indices of the proxies that make the groups within which residuals are permuted.
    """

    degree: int
    neighbours_in: tuple[int, ...]


class ResidualTest:
    """Statistics of ``k`` low fidelities with one adjustment.

    Args:
        x: ``(n, k)``, accuracies at the low fidelities; not a number where one is missing.
        y: ``(n,)``, normal scores.
        scores: ``(n, q)``, normal scores of the proxies.
        adjustment: The way of holding them fixed.
    """

    def __init__(self, x: Floats, y: Floats, scores: Floats, adjustment: Adjustment) -> None:
        self.y, self.basis = y, curves(scores, adjustment.degree)
        self.left = residuals(y, self.basis)
        self.groups = neighbourhoods(scores[:, list(adjustment.neighbours_in)], NEIGHBOURS)
        self.k = x.shape[1]
        self.parts = [_Part(x, columns, self.basis) for columns in _alike(np.isfinite(x))]

    def statistics(self, permutations: NDArray[np.intp]) -> Floats:
        """Studentised regression coefficients, ``(permutations, k)``."""
        permuted = self.left[permutations]
        found = np.full((len(permutations), self.k), np.nan)
        for part in self.parts:
            found[:, part.columns] = part.studentised(permuted)
        return found

    def semi_partial(self) -> Floats:
        """``(k,)``."""
        found = np.full(self.k, np.nan)
        for part in self.parts:
            centred = self.y[part.rows] - self.y[part.rows].mean()
            found[part.columns] = _divide(centred @ part.unit, np.sqrt(centred @ centred))
        return found

    def unexplained(self) -> Floats:
        """Square root of the part of the variance of high-fidelity scores that the curves leave, ``(k,)``."""
        found = np.full(self.k, np.nan)
        for part in self.parts:
            left, freedom = residuals(self.left[part.rows], part.basis), len(part.rows) - part.basis.shape[1]
            variance = self.y[part.rows].var(ddof=1) if freedom > 0 else np.nan
            found[part.columns] = np.sqrt(min(1.0, (left @ left) / freedom / variance)) if variance > 0 else np.nan
        return found

    def sizes(self) -> tuple[Floats, Floats]:
        """Candidates, and degrees of freedom that the curves leave to a partial correlation, ``(k,)`` each."""
        n, freedom = np.zeros(self.k), np.zeros(self.k)
        for part in self.parts:
            n[part.columns], freedom[part.columns] = len(part.rows), len(part.rows) - part.basis.shape[1]
        return n, freedom


class _Part:
    """The low fidelities that have evaluations of the same candidates."""

    def __init__(self, x: Floats, columns: NDArray[np.intp], basis: Floats) -> None:
        self.columns, self.rows = columns, np.flatnonzero(np.isfinite(x[:, columns[0]]))
        self.basis = np.linalg.qr(basis[self.rows])[0] if len(self.rows) > basis.shape[1] else np.eye(len(self.rows))
        left = residuals(normal_scores(x[np.ix_(self.rows, columns)]), self.basis)
        length = np.sqrt((left**2).sum(axis=0))
        self.unit = _divide(left, np.where(length > NEGLIGIBLE, length, np.nan))

    def studentised(self, permuted: Floats) -> Floats:
        """Partial correlations of permuted residuals with each low fidelity, as ``r sqrt(n / (1 - r^2))``.

        So scaled, low fidelities with different numbers of candidates are comparable.
        """
        left = permuted[:, self.rows]
        left = left - (left @ self.basis) @ self.basis.T
        partial = _divide(left @ self.unit, np.sqrt((left**2).sum(axis=1, keepdims=True)))
        return partial * np.sqrt(len(self.rows) / np.maximum(1 - partial**2, NEGLIGIBLE))


def _alike(known: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Columns that are known for the same candidates, together; those that are known for none are left out."""
    _, which = np.unique(known, axis=1, return_inverse=True)
    groups = (np.flatnonzero(which.ravel() == group) for group in range(which.max(initial=-1) + 1))
    return [columns for columns in groups if known[:, columns[0]].any()]


def _divide(above: Floats, below: Floats) -> Floats:
    """Quotients; not a number where the divisor is zero."""
    quotients: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return quotients
