"""Prior for any number of fidelities, and for free predictors that are believed in from the start.

The accuracy of an architecture ``i`` after full training, in units of the scale ``s`` of all architectures, is ::

    f_i = a (b g_i + w . z_i + v . x_i + RBF(x_i)) + h_i

with free predictors ``z``, the first of which (``g``) is expected to help, features ``x``, and ``h``, what neither
explains: the architecture's own quality and the luck of its training. A cheaper evaluation at fidelity ``l`` sees ::

    r_l f_i + sqrt(1 - r_l^2) o_il

in units of its own scale ``s_l``: ``r_l`` is how much it tells, and ``o_il``, of the covariance of ``f`` but without a
belief, is what it sees instead. What two fidelities see instead is correlated by ``c``: short trainings err together.
Each fidelity has a level of its own.

References:
    Bonilla, Chai, Williams (2007). Multi-task Gaussian Process Prediction. NeurIPS, eq. 2: one similarity of inputs
    times one of tasks. Differences: the tasks' similarity has the structure above, each fidelity a scale of its own.
    White et al. (2022). A Deeper Look at Zero-Cost Proxies for Lightweight NAS. ICLR Blog Track: operations and
    parameters rank networks about as well as any other free predictor. Hence the belief ``b``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from mf_nas_kd.surrogates.inputs import (
    Inputs,
    gaussian_similarity,
    linear,
    linear_variance,
    squared_distances,
)
from mf_nas_kd.surrogates.prior import Array, Gradient
from mf_nas_kd.surrogates.single_fidelity import (
    JITTER,
    LEVEL,
    LEVEL_DEVIATION,
    LOG_LENGTH_SPREAD,
    LOG_SCALE,
    LOG_SCALE_SPREAD,
    LOG_SHARE_SPREAD,
)

BELIEF = 2.0  # b: twice the deviation that w . z has, so that a predictor that misleads is unlikely but possible
LINE, BUMPS = 0.4, 0.4  # variances of v . x and of the RBF, where that of w . z is 1 and that of h is OWN
OWN = 0.5
AGREEMENT_SPREAD = 0.5  # of r_l around what its price lets expect, on the scale of Fisher's z; half shared by all
HIGHEST_AGREEMENT = 0.95
LOGIT_OVERLAP_SPREAD = 1.0  # of c, around one half


class ManyFidelitiesPrior:
    """See the module.

    Hyper-parameters: logarithm of ``s``, of the variances of ``a`` and ``h`` relative to what is expected, of the RBF's
    length; logit of ``c``; by how much all cheap fidelities tell more than expected; then for each fidelity that was
    seen the logarithm of its scale and by how much it alone tells more.

    Args:
        prices: Price of an evaluation at each fidelity, in full trainings; the first is 1. A training that costs the
            share ``p`` is expected to tell ``r = p^(1/4)``: half of the variance at a quarter of the price.
        seen: The cheap fidelities with observations, ascending. The scale of the others is that of full training.
    """

    def __init__(self, prices: Sequence[float], seen: Sequence[int]) -> None:
        told = np.minimum(np.asarray(prices, dtype=float) ** 0.25, HIGHEST_AGREEMENT)
        self._expected_agreement = np.arctanh(told)
        self._seen = list(seen)
        half = AGREEMENT_SPREAD / np.sqrt(2)
        self.expected = np.array([LOG_SCALE, 0.0, 0.0, 0.0, 0.0, 0.0] + [LOG_SCALE, 0.0] * len(seen))
        self.spread = np.array(
            [LOG_SCALE_SPREAD, LOG_SHARE_SPREAD, LOG_SHARE_SPREAD, LOG_LENGTH_SPREAD, LOGIT_OVERLAP_SPREAD, half]
            + [LOG_SCALE_SPREAD, half] * len(seen)
        )

    def agreement(self, t: Array, fidelity: int) -> float:
        """``r_l``."""
        return float(self._agreements(t)[fidelity])

    def moments(self, t: Array, inputs: Inputs) -> tuple[Array, Array, Gradient]:
        smooth, bumps, own = self._parts(t, inputs, inputs, inputs.distances)
        whole = smooth + own
        scales, told, instead = self._scales(t), self._agreements(t), self._seen_instead(t)
        tells = np.outer(told, told) + instead
        at = self._indicators(inputs)
        between = at @ (np.outer(scales, scales) * tells) @ at.T
        belief = self._belief(t, inputs)
        covariance = between * whole + LEVEL_DEVIATION**2 * (at @ at.T)
        covariance[np.diag_indices_from(covariance)] += JITTER

        def gradient(by_mean: Array, by_covariance: Array) -> Array:
            by_whole = by_covariance * between
            of_bumps = by_whole * bumps
            # By the rest, for each pair of fidelities and for each fidelity; log(s) first, then u of r = tanh(u).
            of_tells = at.T @ (by_covariance * whole) @ at * np.outer(scales, scales)
            of_told = (by_mean * belief) @ at * scales
            of_instead = of_tells * instead
            rises = 1 - told**2
            by_scale = 2 * (of_tells * tells).sum(axis=1) + of_told * told
            by_told = rises * (2 * of_tells @ told + of_told) - 2 * told * of_instead.sum(axis=1)
            of_all = [
                by_scale.sum() - by_scale[self._seen].sum(),
                np.vdot(by_whole, smooth) + 0.5 * of_told @ told,
                np.vdot(by_whole, own),
                np.vdot(of_bumps, inputs.distances) * np.exp(-2 * t[3]),
                (of_instead.sum() - np.trace(of_instead)) * expit(-t[4]),
                by_told.sum(),
            ]
            return np.concatenate([of_all, np.stack([by_scale, by_told], axis=1)[self._seen].ravel()])

        return LEVEL + (scales * told)[inputs.fidelity] * belief, covariance, gradient

    def mean(self, t: Array, inputs: Inputs) -> Array:
        return LEVEL + (self._scales(t) * self._agreements(t))[inputs.fidelity] * self._belief(t, inputs)

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        whole, _, own = self._parts(t, left, right, squared_distances(left.features, right.features))
        at_left, at_right = self._indicators(left), self._indicators(right)
        whole += own
        whole *= at_left @ self._between(t) @ at_right.T
        whole += LEVEL_DEVIATION**2 * at_left @ at_right.T
        return whole

    def variance(self, t: Array, inputs: Inputs) -> Array:
        return self._between(t).diagonal()[inputs.fidelity] * self._whole_variance(t, inputs) + LEVEL_DEVIATION**2

    def covariance_with_full(self, t: Array, inputs: Inputs) -> Array:
        """``(n,)``: between what is evaluated and full trainings of the same architectures."""
        level = LEVEL_DEVIATION**2 * (inputs.fidelity == 0)
        return self._between(t)[inputs.fidelity, 0] * self._whole_variance(t, inputs) + level

    def _parts(self, t: Array, left: Inputs, right: Inputs, distances: Array) -> tuple[Array, Array, Array]:
        """Of ``f``: the variance that features and free predictors explain, the RBF's part of it, and that of ``h``."""
        smooth = linear(left.free, right.free)
        smooth += linear(LINE * left.features, right.features)
        smooth *= np.exp(t[1])
        bumps = gaussian_similarity(distances, t[3])
        bumps *= np.exp(t[1]) * BUMPS
        smooth += bumps
        return smooth, bumps, np.exp(t[2]) * OWN * (left.who[:, None] == right.who)

    def _whole_variance(self, t: Array, inputs: Inputs) -> Array:
        line = linear_variance(inputs.free) + LINE * linear_variance(inputs.features)
        return np.exp(t[1]) * (line + BUMPS) + np.exp(t[2]) * OWN

    def _belief(self, t: Array, inputs: Inputs) -> Array:
        """``a b g``, ``(n,)``; 0 without free predictors."""
        return np.exp(0.5 * t[1]) * BELIEF * inputs.free[:, :1].sum(axis=1)

    def _indicators(self, inputs: Inputs) -> Array:
        """``(n, fidelities)``, 1 where an evaluation has a fidelity, else 0."""
        return np.eye(len(self._expected_agreement))[inputs.fidelity]

    def _between(self, t: Array) -> Array:
        """``(fidelities, fidelities)``: factors of the covariance of ``f``."""
        scales, told = self._scales(t), self._agreements(t)
        return np.outer(scales, scales) * (np.outer(told, told) + self._seen_instead(t))

    def _seen_instead(self, t: Array) -> Array:
        """``(fidelities, fidelities)``: of what is seen instead of ``f``."""
        besides = np.sqrt(1 - self._agreements(t) ** 2)
        overlap = np.full((len(besides), len(besides)), expit(t[4]))
        np.fill_diagonal(overlap, 1.0)
        return np.outer(besides, besides) * overlap

    def _agreements(self, t: Array) -> Array:
        """``(fidelities,)``: ``r_l``."""
        more = np.full(len(self._expected_agreement), t[5])
        more[self._seen] += t[7::2]
        told = np.tanh(self._expected_agreement + more)
        told[0] = 1.0
        return told

    def _scales(self, t: Array) -> Array:
        """``(fidelities,)``: ``s_l``."""
        logarithms = np.full(len(self._expected_agreement), t[0])
        logarithms[self._seen] = t[6::2]
        return np.exp(logarithms)
