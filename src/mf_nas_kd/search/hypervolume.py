"""Hypervolume of score against the logarithm of a cost, in two dimensions, and what one more point adds to it.

The best score of known points is a step function of the log cost: ``f_0`` (the reference score) below the cheapest
point, then ``f_1 < f_2 < ...``. The hypervolume is the area between it and the reference score, up to the reference log
cost. A point with log cost ``c`` and score ``y`` adds ::

    sum_j w_j (y - f_j)^+

with the widths ``w_j`` of the steps above ``c``. For a normal ``y`` the expectation of each term is an expected
improvement, so that the expected hypervolume improvement is a sum of closed forms.

Letters: ``m`` points, ``J`` steps. Scores are in [0, 1], log costs natural.

References:
    Zitzler and Thiele (1999). Multiobjective Evolutionary Algorithms: A Comparative Case Study and the Strength Pareto
    Approach. IEEE Transactions on Evolutionary Computation 3: the hypervolume.
    Emmerich, Giannakoglou, Naujoks (2006). Single- and Multiobjective Evolutionary Optimization Assisted by Gaussian
    Random Field Metamodels. IEEE Transactions on Evolutionary Computation 10: its expected improvement. Difference: one
    of the two objectives is known, so that the expectation is over one normal variable.
    Ishibuchi, Imada, Setoguchi, Nojima (2018). How to Specify a Reference Point in Hypervolume Calculation for Fair
    Performance Comparison. Evolutionary Computation 26: a reference point a little beyond the worst values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

BEYOND = 0.1  # of the range, by which a reference point lies beyond the worst value, so that the extremes count


@dataclass(frozen=True)
class ReferencePoint:
    """The point that bounds the hypervolume: worse than all others in both coordinates.

    Attributes:
        log_cost: Natural logarithm of a cost above all others.
        score: Score below all others.
    """

    log_cost: float
    score: float

    @classmethod
    def beyond(cls, log_costs: Array, scores: Array) -> ReferencePoint:
        """The point ``BEYOND`` times the range beyond the largest log cost and the lowest score.

        Args:
            log_costs: ``(m,)``, at least one.
            scores: ``(n,)``, at least one.
        """
        return cls(
            float(log_costs.max() + BEYOND * _range(log_costs)),
            float(scores.min() - BEYOND * _range(scores)),
        )


@dataclass(frozen=True)
class Staircase:
    """Best score of known points as a step function of the log cost.

    Attributes:
        edges: ``(J + 1,)``, log costs where the steps begin, the first minus infinity; the last one is the reference's.
        levels: ``(J,)``, best score on each step, rising; the first is the reference's.
    """

    edges: Array
    levels: Array

    @classmethod
    def of(cls, log_costs: Array, scores: Array, reference: ReferencePoint) -> Staircase:
        """The staircase of ``n`` known points, ``(n,)`` each; points beyond the reference point do not count."""
        order = np.lexsort((-scores, log_costs))
        costs, best = log_costs[order], np.maximum.accumulate(np.concatenate([[reference.score], scores[order]]))
        rises = (np.diff(best) > 0) & (costs < reference.log_cost)
        return cls(
            np.concatenate([[-np.inf], costs[rises], [reference.log_cost]]),
            np.concatenate([[reference.score], best[1:][rises]]),
        )

    @property
    def hypervolume(self) -> float:
        """Area between the staircase and the reference point."""
        return float(np.diff(self.edges)[1:] @ (self.levels[1:] - self.levels[0]))

    def improvement(self, log_costs: Array, scores: Array) -> Array:
        """What each of ``m`` points would add to the hypervolume.

        Args:
            log_costs: ``(m,)``.
            scores: ``(m, k)``, ``k`` possible scores of each point.

        Returns:
            ``(m, k)``.
        """
        gains = np.maximum(scores[:, :, None] - self.levels, 0)
        added: Array = np.einsum("mkj,mj->mk", gains, self._widths(log_costs))
        return added

    def expected_improvement(self, log_costs: Array, mean: Array, deviation: Array) -> Array:
        """Expectation of :meth:`improvement` for normal scores, in closed form.

        Args:
            log_costs: ``(m,)``.
            mean: ``(m,)``.
            deviation: ``(m,)``, standard deviations, above 0.

        Returns:
            ``(m,)``.

        >>> empty = Staircase.of(np.zeros(0), np.zeros(0), ReferencePoint(2.0, 0.0))
        >>> empty.expected_improvement(np.array([1.0]), np.array([0.5]), np.array([1e-9])).round(6)
        array([0.5])
        """
        z = (mean[:, None] - self.levels) / deviation[:, None]
        above = deviation[:, None] * (z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
        expected: Array = np.einsum("mj,mj->m", np.maximum(above, 0), self._widths(log_costs))
        return expected

    def _widths(self, log_costs: Array) -> Array:
        """Width of each step above the log cost of each point, ``(m, J)``."""
        widths: Array = self.edges[1:] - np.maximum(self.edges[:-1], log_costs[:, None])
        return np.maximum(widths, 0)


def hypervolume(log_costs: Array, scores: Array, reference: ReferencePoint) -> float:
    """Hypervolume of ``n`` points, ``(n,)`` each, up to a reference point.

    >>> hypervolume(np.array([0.0, 1.0]), np.array([0.5, 0.75]), ReferencePoint(2.0, 0.25))
    0.75
    """
    return Staircase.of(log_costs, scores, reference).hypervolume


def _range(values: Array) -> float:
    """Range of values; 1 where they do not vary."""
    return float(np.ptp(values)) or 1.0
