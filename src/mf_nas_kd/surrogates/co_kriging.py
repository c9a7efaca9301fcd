"""Prior of co-kriging: the expensive function is a multiple of the cheap one, plus a difference.

References:
    Kennedy and O'Hagan (2000). Predicting the output from a complex computer code when fast approximations are
    available. Biometrika 87, eq. 1: ``f_high = r f_low + d``.
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: the final method.
    Difference: the factor has a wide normal prior around 1 and no bounds.
"""

from __future__ import annotations

import numpy as np

from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.prior import Array, Gradient
from mf_nas_kd.surrogates.single_fidelity import LEVEL, SingleFidelityPrior

FACTOR_SPREAD = 3.0


class CoKrigingPrior:
    """Two independent processes with a :class:`SingleFidelityPrior` each: the cheap function and the difference.

    Both include a level of their own; noise at high fidelity is that of the difference. Inputs at fidelity 0 are
    expensive, all others cheap. Hyper-parameters: the factor, then those of the cheap process and of the difference.

    Args:
        line: Whether both have a line beside the RBF; in the paper they have none.
    """

    def __init__(self, line: bool = True) -> None:
        self._part = SingleFidelityPrior(line)
        self._count = len(self._part.expected)
        self.expected = np.concatenate([[1.0], self._part.expected, self._part.expected])
        self.spread = np.concatenate([[FACTOR_SPREAD], self._part.spread, self._part.spread])

    def moments(self, t: Array, inputs: Inputs) -> tuple[Array, Array, Gradient]:
        factor, cheap, difference = self._split(t)
        high = inputs.fidelity == 0
        both = np.ix_(high, high)
        scale = np.where(high, factor, 1.0)
        # The noise of a cheap training is not part of what the expensive one repeats.
        _, of_cheap, cheap_gradient = self._part.moments(cheap, inputs, noisy=~high)
        _, of_difference, difference_gradient = self._part.moments(difference, inputs[high])
        covariance = of_cheap * np.outer(scale, scale)
        covariance[both] += of_difference

        def gradient(by_mean: Array, by_covariance: Array) -> Array:
            by_factor = LEVEL * by_mean[high].sum() + 2 * ((by_covariance * of_cheap) @ scale)[high].sum()
            by_cheap = cheap_gradient(by_mean, by_covariance * np.outer(scale, scale))
            by_difference = difference_gradient(by_mean[high], by_covariance[both])
            return np.concatenate([[by_factor], by_cheap, by_difference])

        return self.mean(t, inputs), covariance, gradient

    def mean(self, t: Array, inputs: Inputs) -> Array:
        return LEVEL * np.where(inputs.fidelity == 0, t[0], 1.0)

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        factor, cheap, difference = self._split(t)
        high_left, high_right = left.fidelity == 0, right.fidelity == 0
        covariance = self._part.covariance(cheap, left, right)
        covariance *= np.where(high_left, factor, 1.0)[:, None]
        covariance *= np.where(high_right, factor, 1.0)
        covariance[np.ix_(high_left, high_right)] += self._part.covariance(
            difference, left[high_left], right[high_right]
        )
        return covariance

    def variance(self, t: Array, inputs: Inputs) -> Array:
        factor, cheap, difference = self._split(t)
        high = inputs.fidelity == 0
        of_cheap, of_difference = self._part.variance(cheap, inputs), self._part.variance(difference, inputs)
        return np.where(high, factor**2 * of_cheap + of_difference, of_cheap)

    def _split(self, t: Array) -> tuple[float, Array, Array]:
        return float(t[0]), t[1 : 1 + self._count], t[1 + self._count :]
