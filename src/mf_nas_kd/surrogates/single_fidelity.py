"""Prior of accuracies at one fidelity: constant, linear and RBF component, and white noise.

The accuracy of an architecture with features ``x`` ``(p,)`` and zero-cost proxies ``z`` ``(q,)`` is ::

    y = c + v . x + w . z + g(x) + e

with a constant ``c ~ N(CONSTANT_MEAN, CONSTANT_DEVIATION^2)``, weights ``v`` and ``w`` that are normal with mean 0 (the
linear component), a Gaussian process ``g`` with an RBF kernel (the RBF component), and white noise ``e``.

References:
    Rasmussen and Williams (2006). Gaussian Processes for Machine Learning, section 2.7 (explicit basis functions: the
    constant) and 4.2 (linear and RBF kernel).
    Trofimov et al. (2023). Multi-fidelity Neural Architecture Search with Knowledge Distillation: RBF component alone.
"""

from __future__ import annotations

import numpy as np

from mf_nas_kd.surrogates.inputs import Inputs
from mf_nas_kd.surrogates.kernels import Array, linear, linear_diagonal, rbf, squared_distances
from mf_nas_kd.surrogates.prior import Gradient

# Accuracies lie between 0 and 1, and those of one space within a few percentage points. The deviations are so wide that
# a factor of ten changes the penalty little.
CONSTANT_MEAN, CONSTANT_DEVIATION = 0.5, 0.5
LOG_SCALE, LOG_SCALE_SPREAD = float(np.log(0.03)), 1.0
LOG_VARIANCE_SPREAD = 1.0  # of the logarithm of a component's variance, in units of the squared scale
LOG_LENGTH_SPREAD = 0.5  # length scales are about the distance of two random candidates
JITTER = 1e-10


class SingleFidelityPrior:
    """Constant, linear component, RBF component and white noise; see the module.

    Hyper-parameters ``t`` ``(5,)``: logarithm of the scale (standard deviation of all components); of the variances of
    linear component, RBF component and noise in units of the squared scale; of the length scale of the RBF kernel.

    Args:
        linear_component: Whether there is a linear component; in the paper there is none.
    """

    expected: Array = np.array([LOG_SCALE, -1.0, -1.0, -2.0, 0.0])
    spread: Array = np.array(
        [LOG_SCALE_SPREAD, LOG_VARIANCE_SPREAD, LOG_VARIANCE_SPREAD, LOG_VARIANCE_SPREAD, LOG_LENGTH_SPREAD]
    )

    def __init__(self, linear_component: bool = True) -> None:
        self._linear_component = float(linear_component)

    def moments(self, t: Array, inputs: Inputs, noisy: Array | float = 1.0) -> tuple[Array, Array, Gradient]:
        """See :class:`.prior.Prior`; ``noisy``, ``(n,)``, is 0 for observations that are without noise."""
        distances = inputs.distances
        of_linear, of_rbf = self._components(t, inputs, inputs, distances)
        noise: Array = np.exp(2 * t[0] + t[3]) * np.broadcast_to(noisy, len(inputs))
        covariance = of_linear + of_rbf
        covariance += CONSTANT_DEVIATION**2
        covariance[np.diag_indices_from(covariance)] += noise + JITTER

        def gradient(_: Array, by_covariance: Array) -> Array:
            by_linear, by_noise = np.vdot(by_covariance, of_linear), noise @ np.diag(by_covariance)
            products = by_covariance * of_rbf
            by_rbf, by_length = products.sum(), np.vdot(products, distances) * np.exp(-2 * t[4])
            return np.array([2 * (by_linear + by_rbf + by_noise), by_linear, by_rbf, by_noise, by_length])

        return self.mean(t, inputs), covariance, gradient

    def mean(self, t: Array, inputs: Inputs) -> Array:
        return np.full(len(inputs), CONSTANT_MEAN)

    def covariance(self, t: Array, left: Inputs, right: Inputs) -> Array:
        covariance, of_rbf = self._components(t, left, right, squared_distances(left.features, right.features))
        covariance += of_rbf
        covariance += CONSTANT_DEVIATION**2
        return covariance

    def variance(self, t: Array, inputs: Inputs) -> Array:
        of_linear = linear_diagonal(inputs.features) + linear_diagonal(inputs.proxies)
        components: Array = np.exp(2 * t[0]) * (self._linear_component * np.exp(t[1]) * of_linear + np.exp(t[2]))
        return components + CONSTANT_DEVIATION**2

    def _components(self, t: Array, left: Inputs, right: Inputs, distances: Array) -> tuple[Array, Array]:
        """Covariances ``(m, n)`` of the linear and of the RBF component."""
        of_linear = linear(left.features, right.features) + linear(left.proxies, right.proxies)
        of_rbf = rbf(distances, t[4])
        of_linear *= self._linear_component * np.exp(2 * t[0] + t[1])
        of_rbf *= np.exp(2 * t[0] + t[2])
        return of_linear, of_rbf
