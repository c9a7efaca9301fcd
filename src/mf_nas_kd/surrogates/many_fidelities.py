"""Prior for any number of fidelities, and for free predictors that are believed in from the start.

The accuracy of an architecture ``i`` after full training, in units of the scale ``s`` of all architectures, is ::

    f_i = a (b g_i + w . z_i + v . x_i + RBF(x_i)) + h_i

with free predictors ``z``, the first of which (``g``) is expected to help, features ``x``, and ``h``, what neither
explains: the architecture's own quality and the luck of its training. A cheaper evaluation at fidelity ``l`` sees ::

    r_l f_i + sqrt(1 - r_l^2) o_il

in units of its own scale ``s_l``: ``r_l`` is how much it tells, and ``o_il``, of the same composition as ``f``, is what
it sees instead. What two fidelities see instead is correlated by ``c``: short trainings err together.

References:
    Bonilla, Chai, Williams (2007). Multi-task Gaussian Process Prediction. NeurIPS, eq. 2: one similarity of inputs
    times one of tasks. Differences: the tasks' similarity has the structure above, each fidelity a scale of its own.
    White et al. (2022). A Deeper Look at Zero-Cost Proxies for Lightweight NAS. ICLR Blog Track: operations and
    parameters rank networks about as well as any other free predictor. Hence the belief ``b``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mf_nas_kd.surrogates.inputs import (
    Inputs,
    gaussian_similarity,
    linear,
    linear_variance,
    squared_distances,
)
from mf_nas_kd.surrogates.prior import Array
from mf_nas_kd.surrogates.single_fidelity import (
    JITTER,
    LEVEL,
    LEVEL_DEVIATION,
    LOG_LENGTH_SPREAD,
    LOG_SCALE,
    LOG_SCALE_SPREAD,
    LOG_SHARE_SPREAD,
)

BELIEF = 2.0  # b: the free predictor's slope is expected two of its own standard deviations above zero
LINE, BUMPS = 0.4, 0.4  # variances of v . x and of the RBF, where those of w are 1 and of h is OWN
OWN = 0.5
AGREEMENT_SPREAD = 0.5  # of r_l around what its price lets expect, on the scale of Fisher's z; half shared by all
HIGHEST_AGREEMENT = 0.95


class ManyFidelitiesPrior:
    """See the module.

    Hyper-parameters: logarithm of ``s``, of the variances of ``a`` and ``h`` relative to what is expected, of the RBF's
    length; logit of ``c``; by how much all cheap fidelities tell more than expected; then for each fidelity that was
    seen the logarithm of its scale and by how much it alone tells more.

    Args:
        prices: Price of an evaluation at each fidelity, in full trainings; the first is 1. A training that costs the
            share ``p`` is expected to tell ``r = p^(1/4)``: half of the variance at a quarter of the price.
        seen: The cheap fidelities with observations, ascending.
    """

    def __init__(self, prices: Sequence[float], seen: Sequence[int]) -> None:
        told = np.minimum(np.asarray(prices, dtype=float) ** 0.25, HIGHEST_AGREEMENT)
        self._expected_agreement = np.arctanh(told)
        self._place = {fidelity: 6 + 2 * number for number, fidelity in enumerate(seen)}
        half = AGREEMENT_SPREAD / np.sqrt(2)
        self.expected = np.array([LOG_SCALE, 0.0, 0.0, 0.0, 0.0, 0.0] + [LOG_SCALE, 0.0] * len(seen))
        self.spread = np.array(
            [LOG_SCALE_SPREAD, LOG_SHARE_SPREAD, LOG_SHARE_SPREAD, LOG_LENGTH_SPREAD, 1.0, half]
            + [LOG_SCALE_SPREAD, half] * len(seen)
        )

    def agreement(self, t: Array, fidelity: int) -> float:
        """``r_l``."""
        if fidelity == 0:
            return 1.0
        own = t[self._place[fidelity] + 1] if fidelity in self._place else 0.0
        return float(np.tanh(self._expected_agreement[fidelity] + t[5] + own))

    def moments(self, t: Array, inputs: Inputs) -> tuple[Array, Array, Array, Array]:
        n, k = len(inputs), len(t)
        distances = squared_distances(inputs.features, inputs.features)
        bumps = np.exp(t[1]) * BUMPS * gaussian_similarity(distances, t[3])
        smooth = bumps + self._line(t, inputs, inputs)
        own = np.exp(t[2]) * OWN * (inputs.who[:, None] == inputs.who[None, :])
        scale, told = self._scale(t, inputs), self._told(t, inputs)
        besides = np.sqrt(1 - told**2)
        shared = 1 / (1 + np.exp(-t[4]))
        same = inputs.fidelity[:, None] == inputs.fidelity[None, :]
        overlap = np.where(same, 1.0, shared)
        scales, tells = np.outer(scale, scale), np.outer(told, told) + np.outer(besides, besides) * overlap
        whole = smooth + own
        unit = scales * tells
        core = unit * whole
        mean = self._excess(t, inputs, scale, told)

        gradient = np.zeros((k, n, n))
        mean_gradient = np.zeros((k, n))
        gradient[1], mean_gradient[1] = unit * smooth, 0.5 * mean
        gradient[2] = unit * own
        gradient[3] = unit * bumps * distances * np.exp(-2 * t[3])
        gradient[4] = scales * whole * np.outer(besides, besides) * ~same * shared * (1 - shared)
        # d tanh(u) = 1 - r^2 = besides^2, d besides = -r besides, both by u.
        rises, falls = besides**2, -told * besides
        by_first = scales * whole * (np.outer(rises, told) + np.outer(falls, besides) * overlap)
        for fidelity, place in ((0, 0), *((f, self._place[f]) for f in self._place)):
            here = (inputs.fidelity == fidelity).astype(float)
            gradient[place] = core * (here[:, None] + here[None, :])
            mean_gradient[place] = mean * here
            if fidelity:
                gradient[place + 1] = by_first * here[:, None] + (by_first * here[:, None]).T
                mean_gradient[place + 1] = self._excess(t, inputs, scale, rises) * here
        cheap = (inputs.fidelity > 0).astype(float)
        gradient[5] = by_first * cheap[:, None] + (by_first * cheap[:, None]).T
        mean_gradient[5] = self._excess(t, inputs, scale, rises) * cheap
        covariance = core + LEVEL_DEVIATION**2 * same + JITTER * np.eye(n)
        return LEVEL + mean, mean_gradient, covariance, gradient

    def mean(self, t: Array, inputs: Inputs) -> Array:
        return LEVEL + self._excess(t, inputs, self._scale(t, inputs), self._told(t, inputs))

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        distances = squared_distances(left.features, right.features)
        whole = np.exp(t[1]) * BUMPS * gaussian_similarity(distances, t[3]) + self._line(t, left, right)
        whole += np.exp(t[2]) * OWN * (left.who[:, None] == right.who[None, :])
        (told_left, told_right), (scale_left, scale_right) = (
            [of(t, inputs) for inputs in (left, right)] for of in (self._told, self._scale)
        )
        same = left.fidelity[:, None] == right.fidelity[None, :]
        overlap = np.where(same, 1.0, 1 / (1 + np.exp(-t[4])))
        tells = np.outer(told_left, told_right)
        tells += np.outer(np.sqrt(1 - told_left**2), np.sqrt(1 - told_right**2)) * overlap
        return np.outer(scale_left, scale_right) * tells * whole + LEVEL_DEVIATION**2 * same

    def variance(self, t: Array, inputs: Inputs) -> Array:
        line = linear_variance(inputs.free) + LINE * linear_variance(inputs.features)
        whole = np.exp(t[1]) * (line + BUMPS) + np.exp(t[2]) * OWN
        return self._scale(t, inputs) ** 2 * whole + LEVEL_DEVIATION**2

    def covariance_with_full(self, t: Array, inputs: Inputs) -> Array:
        """``(n,)``: between evaluations and full trainings of the same architectures."""
        line = linear_variance(inputs.free) + LINE * linear_variance(inputs.features)
        whole = np.exp(t[1]) * (line + BUMPS) + np.exp(t[2]) * OWN
        return np.exp(t[0]) * self._scale(t, inputs) * self._told(t, inputs) * whole

    def _line(self, t: Array, left: Inputs, right: Inputs) -> Array:
        return np.exp(t[1]) * (linear(left.free, right.free) + LINE * linear(left.features, right.features))

    def _excess(self, t: Array, inputs: Inputs, scale: Array, told: Array) -> Array:
        """What the belief in the first free predictor adds to the level."""
        size = inputs.free[:, 0] if inputs.free.shape[1] else np.zeros(len(inputs))
        return scale * told * np.exp(0.5 * t[1]) * BELIEF * size

    def _scale(self, t: Array, inputs: Inputs) -> Array:
        """Of each evaluation; a fidelity without observations is taken to have that of full training."""
        logarithm = np.full(len(inputs), t[0])
        for fidelity, place in self._place.items():
            logarithm[inputs.fidelity == fidelity] = t[place]
        return np.exp(logarithm)

    def _told(self, t: Array, inputs: Inputs) -> Array:
        by_fidelity = {int(fidelity): self.agreement(t, int(fidelity)) for fidelity in np.unique(inputs.fidelity)}
        return np.array([by_fidelity[int(fidelity)] for fidelity in inputs.fidelity])
