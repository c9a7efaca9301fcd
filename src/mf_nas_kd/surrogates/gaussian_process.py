"""Gaussian process regression with penalised hyper-parameters: the one implementation behind every model here.

Written here because a proposal must be made in milliseconds, and because the priors of this project (several
fidelities, free predictors) are none of the usual kernels. Tests compare it with scikit-learn and with ``smt``.

References:
    Rasmussen and Williams (2006). Gaussian Processes for Machine Learning: algorithm 2.1 (prediction) and eq. 5.9
    (derivatives of the marginal likelihood).
    Difference: hyper-parameters maximise the likelihood times their prior, so that five observations do not decide
    what five observations cannot tell.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dpotrf, dtrtri
from scipy.optimize import minimize

from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.prior import Array, Prior

ITERATIONS = 40  # of the optimiser; more moves the hyper-parameters by less than they are uncertain
TOLERANCE = 1e-6  # of the optimiser, relative; likewise
FITTED_ON = 250  # observations at most that hyper-parameters are fitted on: the cost of a step grows with the cube
PREDICTED_AT_ONCE = 512  # predictions at most, so that the covariances stay in the processor's cache
_IMPOSSIBLE = 1e10  # where the covariance is not positive definite


class GaussianProcess:
    """A process with a given prior.

    Args:
        prior: Mean and covariance.
    """

    def __init__(self, prior: Prior[Inputs]) -> None:
        self.prior = prior
        self.hyper_parameters = prior.expected

    def fit(self, inputs: Inputs, values: NDArray[np.floating]) -> Self:
        """Learn hyper-parameters and condition on observations.

        Args:
            inputs: ``n``, may be 0. Of more than ``FITTED_ON`` observations, those of the most evaluated architectures
                decide on the hyper-parameters; all of them decide on the predictions.
            values: ``(n,)``.
        """
        chosen = inputs.most_evaluated(FITTED_ON)
        found = minimize(
            self.penalised_likelihood,
            self.prior.expected,
            args=(inputs[chosen], values[chosen]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": ITERATIONS, "ftol": TOLERANCE},
        )
        return self.condition(found.x, inputs, values)

    def condition(self, hyper_parameters: Array, inputs: Inputs, values: NDArray[np.floating]) -> Self:
        """Condition on observations with hyper-parameters as they are."""
        self.hyper_parameters = hyper_parameters
        self._inputs = inputs
        mean, covariance, _ = self.prior.moments(hyper_parameters, inputs)
        self._whitening, self._weights, self.log_likelihood = _solved(covariance, values - mean)
        return self

    def penalised_likelihood(self, t: Array, inputs: Inputs, values: NDArray[np.floating]) -> tuple[float, Array]:
        """Negative logarithm of likelihood times prior of the hyper-parameters, up to a constant; and its gradient."""
        mean, covariance, gradient = self.prior.moments(t, inputs)
        try:
            whitening, weights, log_likelihood = _solved(covariance, values - mean)
        except np.linalg.LinAlgError:
            return _IMPOSSIBLE, np.zeros_like(t)
        by_covariance = 0.5 * (whitening.T @ whitening - np.outer(weights, weights))
        away = (t - self.prior.expected) / self.prior.spread
        return 0.5 * away @ away - log_likelihood, gradient(-weights, by_covariance) + away / self.prior.spread

    def predict(self, inputs: Inputs) -> tuple[Array, Array]:
        """Mean and standard deviation, ``(m,)`` each."""
        mean, variance = np.empty(len(inputs)), self.prior.variance(self.hyper_parameters, inputs)
        for start in range(0, len(inputs), PREDICTED_AT_ONCE):
            here = slice(start, start + PREDICTED_AT_ONCE)
            mean[here], half = self.mean_and_half(inputs[here])
            variance[here] -= np.einsum("nm,nm->m", half, half)
        return mean, np.sqrt(np.maximum(variance, 0))

    def predict_mean(self, inputs: Inputs) -> Array:
        """Mean alone, ``(m,)``: much less work than with deviations."""
        t = self.hyper_parameters
        return self.prior.mean(t, inputs) + self.prior.covariance(t, inputs, self._inputs) @ self._weights

    def mean_and_half(self, inputs: Inputs) -> tuple[Array, Array]:
        """Mean ``(m,)``, and ``h`` ``(n, m)``: a posterior covariance is the prior's minus ``h_a.T @ h_b``."""
        t = self.hyper_parameters
        covariance = self.prior.covariance(t, inputs, self._inputs)
        mean = self.prior.mean(t, inputs) + covariance @ self._weights
        return mean, dtrmm(1.0, self._whitening, covariance.T, lower=1, overwrite_b=1)


def _solved(covariance: Array, residual: Array) -> tuple[Array, Array, float]:
    """Of observations, with the Cholesky factor ``L``.

    Returns:
        ``L^-1`` ``(n, n)`` (multiplying by it takes half as long as solving), the inverse covariance times the residual
        ``(n,)``, logarithm of the likelihood.

    Raises:
        LinAlgError: The covariance is not positive definite.
    """
    if not len(residual):
        return np.zeros((0, 0)), np.zeros(0), 0.0
    factor, failed = dpotrf(covariance.T, lower=1)
    if failed:
        raise np.linalg.LinAlgError("the covariance of the observations is not positive definite")
    whitening, _ = dtrtri(factor, lower=1, overwrite_c=1)
    white = whitening @ residual
    log_likelihood = -0.5 * white @ white + np.log(np.diag(whitening)).sum() - 0.5 * len(white) * np.log(2 * np.pi)
    return whitening, white @ whitening, float(log_likelihood)
