"""Prior of accuracies at any number of fidelities, whose mean depends on a zero-cost proxy.

The accuracy of architecture ``i`` at the target fidelity, minus the constant, is ``s f_i`` with the scale ``s`` and ::

    f_i = a (b g_i + w . z_i + v . x_i + RBF(x_i)) + h_i

- ``z_i`` ``(q,)``: zero-cost proxies; ``g_i`` is the first of them, and ``a b g_i`` is the prior mean,
- ``x_i`` ``(p,)``: features; ``w`` and ``v`` are normal weights with mean 0 (the linear component),
- ``RBF``: a Gaussian process with an RBF kernel (the RBF component),
- ``a``: relative amplitude of what proxies and features explain,
- ``h_i``: what they do not explain, independent between architectures, noise of the training included.

An evaluation at a low fidelity ``l`` gives, with the scale ``s_l`` instead of ``s``, ::

    r_l f_i + sqrt(1 - r_l^2) o_il

- ``r_l``: correlation of fidelity ``l`` with the target fidelity, here called its agreement,
- ``o_il``: deviation of fidelity ``l``, with the covariance of ``f`` and mean 0; ``c`` is the correlation of the
  deviations of two fidelities, because low-fidelity evaluations have errors in common.

Each fidelity has a constant of its own.

References:
    Bonilla, Chai, Williams (2007). Multi-task Gaussian Process Prediction. NeurIPS, eq. 2: a kernel of inputs times a
    kernel of tasks. Differences: the tasks' kernel has the structure above, each fidelity a scale of its own.
    White et al. (2022). A Deeper Look at Zero-Cost Proxies for Lightweight NAS. ICLR Blog Track: multiply-accumulates
    and parameters rank networks about as well as any other zero-cost proxy. Hence the prior mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.kernels import Array, linear_diagonal, rbf, squared_distances
from mf_nas_kd.surrogates.prior import Gradient
from mf_nas_kd.surrogates.single_fidelity import (
    CONSTANT_DEVIATION,
    CONSTANT_MEAN,
    JITTER,
    LOG_LENGTH_SPREAD,
    LOG_SCALE,
    LOG_SCALE_SPREAD,
    LOG_VARIANCE_SPREAD,
)

PROXY_WEIGHT = 2.0  # b: twice the deviation of w . z, so that a misleading proxy is unlikely but possible
LINEAR_VARIANCE, RBF_VARIANCE = 0.4, 0.4  # of v . x and RBF, where w . z has variance 1
UNEXPLAINED_VARIANCE = 0.5  # of h, likewise
AGREEMENT_SPREAD = 0.5  # of r_l around its expected value, on the scale of Fisher's z; half of the variance is common
HIGHEST_AGREEMENT = 0.95
LOGIT_CORRELATION_SPREAD = 1.0  # of c, around one half


class MultiFidelityPrior:
    """Prior for any number of fidelities; see the module for the symbols.

    Hyper-parameters ``t`` ``(6 + 2 L,)`` with ``L`` observed low fidelities: ``log s``; logarithms of the variances
    ``a^2`` and of ``h``, relative to the expected ones; logarithm of the RBF's length scale; ``logit c``; difference of
    all agreements from the expected ones, on the scale of Fisher's z; then for each observed low fidelity ``log s_l``
    and the difference of its own agreement.

    Args:
        relative_costs: ``(F,)``, cost of an evaluation at each fidelity in units of a high-fidelity evaluation; the
            first is 1. A fidelity with relative cost ``p`` is expected to have the agreement ``r = p^(1/4)``: half of
            the variance at a quarter of the cost.
        observed: Indices of the low fidelities with observations, ascending. The others have the scale ``s``.
    """

    def __init__(self, relative_costs: Sequence[float] | Array, observed: Sequence[int]) -> None:
        expected = np.minimum(np.asarray(relative_costs, dtype=float) ** 0.25, HIGHEST_AGREEMENT)
        self._expected_agreement: Array = np.arctanh(expected)
        self._observed = list(observed)
        half = AGREEMENT_SPREAD / np.sqrt(2)
        self.expected: Array = np.array([LOG_SCALE, 0.0, 0.0, 0.0, 0.0, 0.0] + [LOG_SCALE, 0.0] * len(observed))
        self.spread: Array = np.array(
            [LOG_SCALE_SPREAD, LOG_VARIANCE_SPREAD, LOG_VARIANCE_SPREAD, LOG_LENGTH_SPREAD, LOGIT_CORRELATION_SPREAD]
            + [half]
            + [LOG_SCALE_SPREAD, half] * len(observed)
        )

    def agreement(self, t: Array, fidelity: int) -> float:
        """Correlation ``r_l`` of a fidelity with the target fidelity, in (-1, 1); 1 for the target fidelity itself."""
        return float(self._agreements(t)[fidelity])

    def moments(self, t: Array, inputs: Inputs) -> tuple[Array, Array, Gradient]:
        of_features, of_proxies = inputs.products
        amplitude = np.exp(t[1])
        of_rbf = rbf(inputs.distances, t[3])
        of_rbf *= amplitude * RBF_VARIANCE
        explained = (amplitude * LINEAR_VARIANCE) * of_features
        explained += amplitude * of_proxies
        explained += of_rbf
        unexplained = (np.exp(t[2]) * UNEXPLAINED_VARIANCE) * inputs.same_candidate
        of_f = explained + unexplained
        scales, agreements, deviations = self._scales(t), self._agreements(t), self._deviation_covariance(t)
        correlations = np.outer(agreements, agreements) + deviations
        at, fidelity = self._indicators(inputs), inputs.fidelity
        between = (np.outer(scales, scales) * correlations)[fidelity[:, None], fidelity]
        proxy_mean = self._proxy_mean(t, inputs)
        covariance = between * of_f
        covariance += CONSTANT_DEVIATION**2 * (fidelity[:, None] == fidelity)
        covariance[np.diag_indices_from(covariance)] += JITTER

        def gradient(by_mean: Array, by_covariance: Array) -> Array:
            by_f = by_covariance * between
            by_rbf = by_f * of_rbf
            # The rest by pairs of fidelities and by fidelities: first log(s_l), then u_l of r_l = tanh(u_l).
            by_pairs = at.T @ (by_covariance * of_f) @ at * np.outer(scales, scales)
            by_means = (by_mean * proxy_mean) @ at * scales
            by_deviations = by_pairs * deviations
            slopes = 1 - agreements**2
            by_scale = 2 * (by_pairs * correlations).sum(axis=1) + by_means * agreements
            by_agreement = slopes * (2 * by_pairs @ agreements + by_means) - 2 * agreements * by_deviations.sum(axis=1)
            common = [
                by_scale.sum() - by_scale[self._observed].sum(),
                np.vdot(by_f, explained) + 0.5 * by_means @ agreements,
                np.vdot(by_f, unexplained),
                np.vdot(by_rbf, inputs.distances) * np.exp(-2 * t[3]),
                (by_deviations.sum() - np.trace(by_deviations)) * expit(-t[4]),
                by_agreement.sum(),
            ]
            return np.concatenate([common, np.stack([by_scale, by_agreement], axis=1)[self._observed].ravel()])

        return CONSTANT_MEAN + (scales * agreements)[inputs.fidelity] * proxy_mean, covariance, gradient

    def mean(self, t: Array, inputs: Inputs) -> Array:
        factors = (self._scales(t) * self._agreements(t))[inputs.fidelity]
        mean: Array = CONSTANT_MEAN + factors * self._proxy_mean(t, inputs)
        return mean

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        covariance = rbf(squared_distances(left.features, right.features), t[3])
        covariance *= RBF_VARIANCE
        weighted = [LINEAR_VARIANCE / max(left.features.shape[1], 1) * left.features]
        weighted.append(left.proxies / max(left.proxies.shape[1], 1))
        covariance += np.concatenate(weighted, axis=1) @ np.concatenate([right.features, right.proxies], axis=1).T
        covariance *= np.exp(t[1])
        of_architecture = np.exp(t[2]) * UNEXPLAINED_VARIANCE
        shared = np.flatnonzero(np.isin(left.candidate, right.candidate))
        covariance[shared] += of_architecture * (left.candidate[shared, None] == right.candidate)
        between, constants = self._fidelity_covariance(t), CONSTANT_DEVIATION**2 * np.eye(len(self._expected_agreement))
        rows = left.fidelity[:1] if (left.fidelity == left.fidelity[:1]).all() else left.fidelity  # one is broadcast
        covariance *= between[rows[:, None], right.fidelity]
        covariance += constants[rows[:, None], right.fidelity]
        return covariance

    def variance(self, t: Array, inputs: Inputs) -> Array:
        factors = self._fidelity_covariance(t).diagonal()[inputs.fidelity]
        variance: Array = factors * self._variance_of_f(t, inputs) + CONSTANT_DEVIATION**2
        return variance

    def unexplained_variance(self, t: Array) -> float:
        """Variance at the target fidelity that neither proxies nor features explain, that of ``s h_i``."""
        return float(self._scales(t)[0] ** 2 * np.exp(t[2]) * UNEXPLAINED_VARIANCE)

    def covariance_with_full(self, t: Array, inputs: Inputs) -> Array:
        """Covariance of each of ``n`` inputs with the same architecture at the target fidelity, ``(n,)``."""
        of_constant = CONSTANT_DEVIATION**2 * (inputs.fidelity == 0)
        factors = self._fidelity_covariance(t)[inputs.fidelity, 0]
        covariance: Array = factors * self._variance_of_f(t, inputs) + of_constant
        return covariance

    def _variance_of_f(self, t: Array, inputs: Inputs) -> Array:
        """Variance of ``f``, ``(n,)``."""
        of_linear = linear_diagonal(inputs.proxies) + LINEAR_VARIANCE * linear_diagonal(inputs.features)
        variance: Array = np.exp(t[1]) * (of_linear + RBF_VARIANCE) + np.exp(t[2]) * UNEXPLAINED_VARIANCE
        return variance

    def _proxy_mean(self, t: Array, inputs: Inputs) -> Array:
        """Prior mean ``a b g`` of ``f``, ``(n,)``; 0 without proxies."""
        mean: Array = np.exp(0.5 * t[1]) * PROXY_WEIGHT * inputs.proxies[:, :1].sum(axis=1)
        return mean

    def _indicators(self, inputs: Inputs) -> NDArray[np.float64]:
        """One-hot fidelities, ``(n, F)``."""
        return np.eye(len(self._expected_agreement))[inputs.fidelity]

    def _fidelity_covariance(self, t: Array) -> Array:
        """Factors of the covariance of ``f`` by pair of fidelities, ``(F, F)``."""
        scales, agreements = self._scales(t), self._agreements(t)
        factors: Array = np.outer(scales, scales) * (np.outer(agreements, agreements) + self._deviation_covariance(t))
        return factors

    def _deviation_covariance(self, t: Array) -> Array:
        """Covariance of ``sqrt(1 - r_l^2) o_l`` by pair of fidelities, ``(F, F)``."""
        amplitudes = np.sqrt(1 - self._agreements(t) ** 2)
        correlations = np.full((len(amplitudes), len(amplitudes)), expit(t[4]))
        np.fill_diagonal(correlations, 1.0)
        covariance: Array = np.outer(amplitudes, amplitudes) * correlations
        return covariance

    def _agreements(self, t: Array) -> Array:
        """Agreements ``r_l``, ``(F,)``."""
        differences = np.full(len(self._expected_agreement), t[5])
        differences[self._observed] += t[7::2]
        agreements: Array = np.tanh(self._expected_agreement + differences)
        agreements[0] = 1.0
        return agreements

    def _scales(self, t: Array) -> Array:
        """Scales ``s_l``, ``(F,)``."""
        logarithms = np.full(len(self._expected_agreement), t[0])
        logarithms[self._observed] = t[6::2]
        scales: Array = np.exp(logarithms)
        return scales
