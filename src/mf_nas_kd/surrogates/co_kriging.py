"""Prior of co-kriging: the high-fidelity function is a multiple of the low-fidelity function, plus a difference.

In symbols ``f_high = r f_low + d`` with a factor ``r`` and two independent Gaussian processes ``f_low`` and ``d``.

References:
    Kennedy and O'Hagan (2000). Predicting the output from a complex computer code when fast approximations are
    available. Biometrika 87, eq. 1.
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: the final method.
    Difference: the factor has a wide normal prior around 1 and no bounds.
"""

from __future__ import annotations

import numpy as np

from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.kernels import Array
from mf_nas_kd.surrogates.prior import Gradient
from mf_nas_kd.surrogates.single_fidelity import CONSTANT_MEAN, SingleFidelityPrior

FACTOR_SPREAD = 3.0


class CoKrigingPrior:
    """Two independent processes with a :class:`SingleFidelityPrior` each: ``f_low`` and the difference ``d``.

    Both include a constant of their own; noise at high fidelity is that of the difference. Inputs at fidelity 0 are
    high-fidelity, all others low-fidelity. Hyper-parameters ``t`` ``(11,)``: the factor ``r``, then the five of
    ``f_low``, then the five of ``d``.

    Args:
        linear_component: Whether both have a linear component beside the RBF component; in the paper they have none.
    """

    def __init__(self, linear_component: bool = True) -> None:
        self._part = SingleFidelityPrior(linear_component)
        self._count = len(self._part.expected)
        self.expected: Array = np.concatenate([[1.0], self._part.expected, self._part.expected])
        self.spread: Array = np.concatenate([[FACTOR_SPREAD], self._part.spread, self._part.spread])

    def moments(self, t: Array, inputs: Inputs) -> tuple[Array, Array, Gradient]:
        factor, low, difference = self._split(t)
        high = inputs.fidelity == 0
        both = np.ix_(high, high)
        scale = np.where(high, factor, 1.0)
        # The noise of a low-fidelity evaluation is no part of f_low.
        _, of_low, low_gradient = self._part.moments(low, inputs, noisy=(~high).astype(float))
        _, of_difference, difference_gradient = self._part.moments(difference, inputs[high])
        covariance: Array = of_low * np.outer(scale, scale)
        covariance[both] += of_difference

        def gradient(by_mean: Array, by_covariance: Array) -> Array:
            by_factor = CONSTANT_MEAN * by_mean[high].sum() + 2 * ((by_covariance * of_low) @ scale)[high].sum()
            by_low = low_gradient(by_mean, by_covariance * np.outer(scale, scale))
            by_difference = difference_gradient(by_mean[high], by_covariance[both])
            return np.concatenate([[by_factor], by_low, by_difference])

        return self.mean(t, inputs), covariance, gradient

    def mean(self, t: Array, inputs: Inputs) -> Array:
        mean: Array = CONSTANT_MEAN * np.where(inputs.fidelity == 0, t[0], 1.0)
        return mean

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        factor, low, difference = self._split(t)
        high_left, high_right = left.fidelity == 0, right.fidelity == 0
        covariance = self._part.covariance(low, left, right)
        covariance *= np.where(high_left, factor, 1.0)[:, None]
        covariance *= np.where(high_right, factor, 1.0)
        covariance[np.ix_(high_left, high_right)] += self._part.covariance(
            difference, left[high_left], right[high_right]
        )
        return covariance

    def variance(self, t: Array, inputs: Inputs) -> Array:
        factor, low, difference = self._split(t)
        high = inputs.fidelity == 0
        of_low, of_difference = self._part.variance(low, inputs), self._part.variance(difference, inputs)
        return np.where(high, factor**2 * of_low + of_difference, of_low)

    def _split(self, t: Array) -> tuple[float, Array, Array]:
        """Factor, hyper-parameters of ``f_low``, hyper-parameters of ``d``."""
        return float(t[0]), t[1 : 1 + self._count], t[1 + self._count :]
