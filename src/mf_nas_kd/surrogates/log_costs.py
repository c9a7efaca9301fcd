"""Prediction of costs of networks that were not measured, from those that were: ridge regression of logarithms.

References:
    Hoerl and Kennard (1970). Ridge Regression. Technometrics 12.
    Hastie, Tibshirani, Friedman (2009). The Elements of Statistical Learning, section 7.10, eq. 7.52: errors of leaving
    one out, without fitting again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PENALTIES = np.logspace(-3, 3, 13)
"""Penalties that are tried; the one with the smallest squared error of leaving one out is taken."""

FEWEST = 10
"""Fewer measured networks tell no error."""


@dataclass(frozen=True)
class PredictionError:
    """Errors of predictions of costs, as parts of the measured ones.

    Attributes:
        n: Number of networks; the cost of each was predicted from those of all others.
        median: Median of the absolute errors.
        worst: The largest absolute error.
    """

    n: int
    median: float
    worst: float

    def __str__(self) -> str:
        return f"median error {self.median:.1%}, worst {self.worst:.1%} (n = {self.n}, each predicted from the others)"


class LogCosts:
    """Linear model of the logarithm of a cost.

    Args:
        features: ``(n, p)``, features of networks, logarithms of their counted costs among them.
        costs: ``(n,)``, measured costs, above 0.

    Attributes:
        left_out: ``(n,)``, the cost of each network as predicted from all others.

    >>> features = np.log(np.arange(1.0, 21.0)).reshape(-1, 1)
    >>> model = LogCosts(features, 3 * np.arange(1.0, 21.0))
    >>> model.predict(np.log([[100.0]])).round().tolist()
    [300.0]
    """

    def __init__(self, features: Array, costs: Array) -> None:
        self._centre, spread = features.mean(axis=0), features.std(axis=0)
        self._scale = np.where(spread > 0, spread, 1.0)
        inputs, logarithms = self._inputs(features), np.log(costs)
        self._mean = float(logarithms.mean())
        fits = [_fit(inputs, logarithms - self._mean, penalty) for penalty in PENALTIES]
        self._weights, residuals = min(fits, key=lambda fit: float((fit[1] ** 2).mean()))
        self.left_out: Array = np.exp(logarithms - residuals)
        errors = np.abs(self.left_out / costs - 1)
        self._error = PredictionError(len(costs), float(np.median(errors)), float(errors.max()))

    @property
    def error(self) -> PredictionError | None:
        """Error of predictions; None with fewer than ``FEWEST`` networks."""
        return self._error if self._error.n >= FEWEST else None

    def predict(self, features: Array) -> Array:
        """Predicted costs ``(m,)`` of networks with features ``(m, p)``."""
        predicted: Array = np.exp(self._mean + self._inputs(features) @ self._weights)
        return predicted

    def _inputs(self, features: Array) -> Array:
        inputs: Array = (features - self._centre) / self._scale
        return inputs


def _fit(inputs: Array, targets: Array, penalty: float) -> tuple[Array, Array]:
    """Weights ``(p,)``, and the error of each target ``(n,)`` where it is left out."""
    solved = np.linalg.solve(inputs.T @ inputs + penalty * np.eye(inputs.shape[1]), inputs.T)
    weights, leverage = solved @ targets, np.einsum("np,pn->n", inputs, solved) + 1 / len(targets)
    return weights, (targets - inputs @ weights) / np.maximum(1 - leverage, 1e-9)
