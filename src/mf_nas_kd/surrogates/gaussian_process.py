"""Gaussian process regression with penalised hyper-parameters: the one implementation behind every model here.

Written here because a proposal must be made in milliseconds, and because the priors of this project (several
fidelities, zero-cost proxies) are none of the usual kernels. Tests compare it with scikit-learn and with ``smt``.

References:
    Rasmussen and Williams (2006). Gaussian Processes for Machine Learning: algorithm 2.1 (prediction) and eq. 5.9
    (derivatives of the marginal likelihood).
    Difference: hyper-parameters maximise likelihood times prior (maximum a posteriori), because few observations do not
    determine them.
"""

from __future__ import annotations

from typing import Generic, Self, TypeVar

import numpy as np
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dpotrf, dtrtri
from scipy.optimize import minimize

from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.kernels import Array
from mf_nas_kd.surrogates.prior import Prior

ITERATIONS = 40  # of the optimiser; more move the hyper-parameters by less than they are uncertain
TOLERANCE = 1e-6  # of the optimiser, relative; likewise
FITTED_ON = 250  # observations at most that hyper-parameters are fitted on: the cost of a step grows with the cube
PREDICTED_AT_ONCE = 512  # predictions at most, so that the covariances stay in the processor's cache
_NOT_POSITIVE_DEFINITE = 1e10  # value of the objective where the covariance has no Cholesky factor

PriorT = TypeVar("PriorT", bound=Prior)


class GaussianProcess(Generic[PriorT]):
    """A Gaussian process with a given prior.

    Args:
        prior: Mean and covariance.

    >>> from mf_nas_kd.surrogates import Inputs, SingleFidelityPrior
    >>> x = np.linspace(-1, 1, 9)[:, None]
    >>> inputs = Inputs(x, np.zeros((9, 0)), np.arange(9), np.zeros(9, dtype=int))
    >>> process = GaussianProcess(SingleFidelityPrior()).fit(inputs, 0.7 + 0.1 * x[:, 0])
    >>> process.predict_mean(inputs[4:5]).round(2)
    array([0.7])
    """

    def __init__(self, prior: PriorT) -> None:
        self.prior = prior
        self.hyper_parameters = prior.expected

    def fit(self, inputs: Inputs, values: Array) -> Self:
        """Fit the hyper-parameters, and condition on the observations.

        Args:
            inputs: ``n`` of them, may be 0. Of more than ``FITTED_ON`` observations, those of the most evaluated
                architectures determine the hyper-parameters; all of them determine the predictions.
            values: ``(n,)``.
        """
        chosen = inputs.most_evaluated(FITTED_ON)
        found = minimize(
            self.negative_log_posterior,
            self.prior.expected,
            args=(inputs[chosen], values[chosen]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": ITERATIONS, "ftol": TOLERANCE},
        )
        return self.condition(found.x, inputs, values)

    def condition(self, hyper_parameters: Array, inputs: Inputs, values: Array) -> Self:
        """Condition on observations with given hyper-parameters ``(k,)``.

        Raises:
            LinAlgError: If the covariance of the observations is not positive definite.
        """
        self.hyper_parameters = hyper_parameters
        self._inputs = inputs
        mean, covariance, _ = self.prior.moments(hyper_parameters, inputs)
        self._inverse_cholesky, self._weights, self.log_likelihood = _solve(covariance, values - mean)
        return self

    def negative_log_posterior(self, t: Array, inputs: Inputs, values: Array) -> tuple[float, Array]:
        """Negative log posterior density of the hyper-parameters ``t``, up to a constant, and its gradient ``(k,)``."""
        mean, covariance, gradient = self.prior.moments(t, inputs)
        try:
            inverse_cholesky, weights, log_likelihood = _solve(covariance, values - mean)
        except np.linalg.LinAlgError:
            return _NOT_POSITIVE_DEFINITE, np.zeros_like(t)
        by_covariance = 0.5 * (inverse_cholesky.T @ inverse_cholesky - np.outer(weights, weights))
        standardised = (t - self.prior.expected) / self.prior.spread
        objective = float(0.5 * standardised @ standardised - log_likelihood)
        return objective, gradient(-weights, by_covariance) + standardised / self.prior.spread

    def predict(self, inputs: Inputs) -> tuple[Array, Array]:
        """Posterior mean and standard deviation at ``m`` inputs, ``(m,)`` each."""
        mean, variance = np.empty(len(inputs)), self.prior.variance(self.hyper_parameters, inputs)
        for start in range(0, len(inputs), PREDICTED_AT_ONCE):
            block = slice(start, start + PREDICTED_AT_ONCE)
            mean[block], v = self.mean_and_v(inputs[block])
            variance[block] -= np.einsum("nm,nm->m", v, v)
        return mean, np.sqrt(np.maximum(variance, 0))

    def predict_mean(self, inputs: Inputs) -> Array:
        """Posterior mean at ``m`` inputs, ``(m,)``; much cheaper than with deviations."""
        t = self.hyper_parameters
        mean: Array = self.prior.mean(t, inputs) + self.prior.covariance(t, inputs, self._inputs) @ self._weights
        return mean

    def mean_and_v(self, inputs: Inputs) -> tuple[Array, Array]:
        """Posterior mean at ``m`` inputs, and ``v`` of algorithm 2.1 in Rasmussen and Williams (2006).

        Returns:
            Mean ``(m,)``; ``v = L^-1 K`` ``(n, m)`` with the Cholesky factor ``L`` of the observations' covariance and
            the covariance ``K`` ``(n, m)`` of observations and inputs. The posterior covariance of inputs ``a`` and
            ``b`` is the prior's minus ``v_a.T @ v_b``.
        """
        t = self.hyper_parameters
        covariance = self.prior.covariance(t, inputs, self._inputs)
        mean = self.prior.mean(t, inputs) + covariance @ self._weights
        return mean, dtrmm(1.0, self._inverse_cholesky, covariance.T, lower=1, overwrite_b=1)


def _solve(covariance: Array, residual: Array) -> tuple[Array, Array, float]:
    """Inverse Cholesky factor, weights and log likelihood of ``n`` observations.

    Args:
        covariance: ``(n, n)``.
        residual: Observations minus their prior mean, ``(n,)``.

    Returns:
        ``L^-1`` ``(n, n)`` with the Cholesky factor ``L`` (multiplying by it takes half as long as solving); the
        inverse covariance times the residual ``(n,)``; the log likelihood (eq. 2.30 in Rasmussen and Williams, 2006).

    Raises:
        LinAlgError: If the covariance is not positive definite.
    """
    if not len(residual):
        return np.zeros((0, 0)), np.zeros(0), 0.0
    factor, failed = dpotrf(covariance.T, lower=1)
    if failed:
        raise np.linalg.LinAlgError("the covariance of the observations is not positive definite")
    inverse, _ = dtrtri(factor, lower=1, overwrite_c=1)
    white = inverse @ residual
    log_likelihood = -0.5 * white @ white + np.log(np.diag(inverse)).sum() - 0.5 * len(white) * np.log(2 * np.pi)
    return inverse, white @ inverse, float(log_likelihood)
